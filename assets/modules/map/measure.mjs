// Lengths and areas on the sphere: within 0.5 % of the ellipsoid, for a look and not for a deed.

const EARTH_M = 6_371_008.8;
const RAD = Math.PI / 180;

export function distance(a, b) {
  const dLat = (b.lat - a.lat) * RAD;
  const dLon = (b.lon - a.lon) * RAD;
  const h = Math.sin(dLat / 2) ** 2 + Math.cos(a.lat * RAD) * Math.cos(b.lat * RAD) * Math.sin(dLon / 2) ** 2;
  return 2 * EARTH_M * Math.asin(Math.sqrt(h));
}

export const length = (points) => points.slice(1).reduce((sum, point, index) => sum + distance(points[index], point), 0);

// Square metres of a ring of {lon, lat}, open or closed.
export function area(points) {
  let sum = 0;
  for (const [index, a] of points.entries()) {
    const b = points[(index + 1) % points.length];
    sum += (b.lon - a.lon) * RAD * (2 + Math.sin(a.lat * RAD) + Math.sin(b.lat * RAD));
  }
  return Math.abs((sum * EARTH_M * EARTH_M) / 2);
}

export function inside(at, ring) {
  let isIn = false;
  for (const [index, a] of ring.entries()) {
    const b = ring[(index + 1) % ring.length];
    if (a.lat > at.lat !== b.lat > at.lat && at.lon < ((b.lon - a.lon) * (at.lat - a.lat)) / (b.lat - a.lat) + a.lon) isIn = !isIn;
  }
  return isIn;
}

// A ring of {lon, lat} around a centre.
export function circle(centre, radius, corners = 64) {
  const step = radius / EARTH_M / RAD;
  return Array.from({length: corners}, (_, index) => {
    const angle = (index * 2 * Math.PI) / corners;
    return {lon: centre.lon + (step * Math.cos(angle)) / Math.cos(centre.lat * RAD), lat: centre.lat + step * Math.sin(angle)};
  });
}

export const metres = (writer, m) => m < 1000 ? writer.value(m, 0, "m") : writer.value(m / 1000, m < 10_000 ? 2 : 1, "km");
export const square = (writer, m2) => m2 < 10_000 ? writer.value(m2, 0, "m²") : m2 < 1e6 ? writer.value(m2 / 1e4, 2, "ha") : writer.value(m2 / 1e6, 2, "km²");
