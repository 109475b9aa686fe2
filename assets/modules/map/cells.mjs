// Points by the cell of a square grid in the projection of the map: those that would hide each other.
// The same grid as the server's tiles have (ioc/tiles/making.py).

export const CELL = 64; // px of a cell's side: the widest sign and its number fit
const TILE = 512;
export const CELLS = TILE / CELL; // of a tile's side

// Column and row of a place at a zoom step.
export function cellOf(lon, lat, step) {
  const across = CELLS * 2 ** step;
  const sine = Math.sin((lat * Math.PI) / 180);
  const x = (lon + 180) / 360;
  const y = 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI);
  return [Math.floor(x * across), Math.floor(y * across)];
}

// `members`: [key, {lon, lat}]. Returns arrays of those that share a cell.
export function cells(members, step) {
  const found = new Map();
  for (const member of members) {
    const [x, y] = cellOf(member[1].lon, member[1].lat, step);
    const key = y * 4_194_304 + x;
    const others = found.get(key);
    if (others) others.push(member);
    else found.set(key, [member]);
  }
  return found.values();
}
