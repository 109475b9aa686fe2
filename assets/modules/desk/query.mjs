// What the list is narrowed to, as the address of the page says it: a link shows somebody else the same.

export const TABS = ["open", "returned", "shelved", "suppressed", "out_of_service", "late", "closed"];
const SINGLE = ["state", "kind", "area", "rule", "hours", "q", "cursor", "id"];
const NARROWING = ["severity", "state", "kind", "area", "rule", "hours", "q"];

export function readQuery(search) {
  const given = new URLSearchParams(search);
  const query = {tab: TABS.includes(given.get("tab")) ? given.get("tab") : "open", severity: [], flat: given.get("flat") === "1"};
  query.severity = given.getAll("severity").map(Number).filter((n) => n >= 1 && n <= 4);
  for (const name of SINGLE) query[name] = given.get(name); // null: not narrowed; "" is an area of its own
  return query;
}

export function writeQuery(query) {
  const given = new URLSearchParams();
  if (query.tab !== "open") given.set("tab", query.tab);
  for (const severity of query.severity) given.append("severity", severity);
  for (const name of SINGLE) if (query[name] !== null && (query[name] !== "" || name === "area")) given.set(name, query[name]);
  if (query.flat) given.set("flat", "1");
  const text = given.toString();
  return text ? `?${text}` : "";
}

// What the server is asked: all but what only this screen knows.
export function askedQuery(query, limit) {
  const asked = new URLSearchParams(writeQuery({...query, id: null, flat: false}));
  asked.set("limit", limit);
  if (query.tab === "open" && !query.flat) asked.set("grouped", "1");
  return asked;
}

// A file holds the whole list, from its first page on.
export const exportQuery = (query) => writeQuery({...query, id: null, flat: false, cursor: null}).slice(1);

export const isNarrowed = (query) => NARROWING.some((name) => name === "severity" ? query.severity.length : query[name] !== null && (query[name] !== "" || name === "area"));

export function widened(query) {
  return {...query, severity: [], cursor: null, ...Object.fromEntries(NARROWING.filter((name) => name !== "severity").map((name) => [name, null]))};
}
