// The frames of a week: what each station had at one of them, and in which category.

export const NONE = -1; // of a category: no index

export function readFrames(found) {
  const places = found.categories.map(({low, high}, place) => ({low, high, place}));
  const categoryOf = (value) => (value === null || value < 0 ? NONE : places.find(({low, high}) => value >= low && value <= high)?.place ?? places.length - 1);
  // Names are compared once: a collator at each step would be half of its time.
  const {compare} = new Intl.Collator("vi");
  const ranks = new Map([...found.stations].sort((a, b) => compare(a.name, b.name)).map(({id}, place) => [id, place]));
  const order = found.worst_first ? (a, b) => b.value - a.value : (a, b) => a.value - b.value;
  return {
    ...found,
    last: found.count - 1,
    time: (frame) => found.first + frame * found.step,
    // Stations at a frame: those with an index, the worst first; then the others with their reason.
    at(frame) {
      const rows = found.stations.map((station) => {
        const value = station.values[frame];
        return {station, value, category: categoryOf(value), reason: value !== null && value < 0 ? found.reasons[-1 - value] : null};
      });
      const name = (a, b) => ranks.get(a.station.id) - ranks.get(b.station.id);
      const known = rows.filter((row) => row.category !== NONE).sort((a, b) => order(a, b) || name(a, b));
      return {known, unknown: rows.filter((row) => row.category === NONE).sort(name)};
    },
    // The newest frame in which any station has an index; the last one where none has.
    newest() {
      for (let frame = found.count - 1; frame >= 0; frame -= 1) if (found.stations.some(({values}) => values[frame] !== null && values[frame] >= 0)) return frame;
      return found.count - 1;
    },
  };
}
