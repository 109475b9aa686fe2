// How bad a group of points is: as bad as its worst member. 1 to 4 are severities, 5 is silent, 0 is
// nothing to see.

export const RANKS = [1, 2, 3, 4, 5];
export const rank = (drawn) => drawn?.s ? drawn.s : drawn?.f === 2 ? 5 : 0;
const worst = (ranks) => RANKS.find((one) => ranks[one] > 0) ?? 0;

// `show(id, worst)` is called whenever a group's worst member is another.
export function createRanks(show) {
  const groups = new Map(); // group id -> {ranks, worst}
  const home = new Map(); // member -> group id
  return {
    groups,
    clear() {
      groups.clear();
      home.clear();
    },
    add(id, member, own) {
      const group = groups.get(id) ?? {ranks: [0, 0, 0, 0, 0, 0], worst: 0};
      groups.set(id, group);
      home.set(member, id);
      group.ranks[own] += 1;
      group.worst = worst(group.ranks);
      return group;
    },
    showAll() {
      for (const [id, group] of groups) if (group.worst) show(id, group.worst);
    },
    change(member, old, next) {
      const id = home.get(member);
      if (id === undefined || old === next) return;
      const group = groups.get(id);
      group.ranks[old] -= 1;
      group.ranks[next] += 1;
      const now = worst(group.ranks);
      if (now === group.worst) return;
      group.worst = now;
      show(id, now);
    },
  };
}
