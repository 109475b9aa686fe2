// When a rule looks: always, or in spans of a day that may cross midnight, each on some days.

import {element} from "../dom.mjs";
import {button, field, select} from "./form.mjs";

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const FRESH = {from: "07:00", to: "17:00", days: []};

export function createHours({state, writer, change}) {
  const say = (key, values) => writer.say(`rules.${key}`, values);

  // Rows of the form; a rule of silence has no hours.
  function rows() {
    const {draft} = state;
    if (draft.input === "no_data") return [];
    const choice = select([["", say("always")], ["hours", say("in_hours")]], draft.schedule ? "hours" : "", (value) => {
      draft.schedule = value ? {...draft.schedule, hours: [{...FRESH}]} : null;
      change();
    }, {id: "rule-when"});
    const spans = draft.schedule?.hours ?? [];
    const add = draft.schedule ? button(say("add_hours"), () => { spans.push({...FRESH}); change(); }, "link") : null;
    return [field(say("applies"), choice, spans.length ? element("p", "xs mut", say("hours_note")) : null), ...spans.map(span), add].filter(Boolean);
  }

  function span(one, index) {
    const {draft} = state;
    const clock = (key, words) => {
      const control = element("input", "inp");
      Object.assign(control, {type: "time", id: `hours-${index}-${key}`, value: one[key] ?? "00:00", required: true, ariaLabel: words});
      control.addEventListener("change", () => { if (control.value) { one[key] = control.value; change(); } });
      return control;
    };
    const drop = draft.schedule.hours.length > 1 ? button("×", () => { draft.schedule.hours.splice(index, 1); change(); }, "drop") : null;
    drop?.setAttribute("aria-label", say("drop_hours"));
    return element("div", "span", element("div", "with", clock("from", say("from")), element("span", "mut", "–"), clock("to", say("to")), drop), days(one, index));
  }

  // No day named is every day.
  function days(one, index) {
    const chosen = new Set(one.days?.length ? one.days : DAYS);
    const box = element("div", "seg");
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", say("days_of"));
    for (const day of DAYS) {
      const press = button(say(`day_${day}`), () => {
        if (chosen.has(day)) chosen.delete(day);
        else chosen.add(day);
        if (chosen.size === 0) return;
        one.days = chosen.size === DAYS.length ? [] : DAYS.filter((each) => chosen.has(each));
        change();
      }, "");
      press.id = `hours-${index}-${day}`;
      press.setAttribute("aria-pressed", String(chosen.has(day)));
      box.append(press);
    }
    return box;
  }

  return {rows};
}
