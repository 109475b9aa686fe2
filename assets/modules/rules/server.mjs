// What the rule pages ask of the server. A refusal is an Error with the server's own words.

async function ask(path, body) {
  let answer;
  try {
    answer = await fetch(`/api/v1${path}`, body === undefined ? {} : {method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)});
  } catch (error) {
    throw Object.assign(new Error("rules.away"), {cause: error, code: "away"});
  }
  if (answer.status === 401) location.reload();
  const found = await answer.json().catch(() => ({}));
  if (!answer.ok) throw Object.assign(new Error(found.detail ?? String(answer.status)), {status: answer.status, reasons: found.reasons ?? []});
  return found;
}

export const server = {
  rules: () => ask("/rules"),
  rule: (id) => ask(`/rules/${id}`),
  options: () => ask("/rule-options"),
  stations: (property) => ask(`/rule-options/stations?property=${encodeURIComponent(property)}`),
  history: (wanted) => ask("/rules/history", wanted),
  preview: (wanted) => ask("/rules/preview", wanted),
  context: (wanted) => ask("/rules/context", wanted),
  save: (wanted) => ask("/rules", wanted),
  decide: (id, version, approve) => ask(`/rules/${id}/versions/${version}/${approve ? "approve" : "reject"}`, {}),
  switchRule: (id, on, reason) => ask(`/rules/${id}/switch`, {on, reason}),
  tryTarget: (target) => ask("/notify-tests", {target}),
  receipt: (id) => ask(`/notify-tests/${id}`),
  rollback: (id, version, reason) => ask(`/rules/${id}/rollback`, {version, reason}),
};
