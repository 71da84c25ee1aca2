// Filters: draws plain forms; the page comes back with the answers in its address.
import { html } from 'hono/html'
import { address, type Html } from './page.ts'

/** One question of a form. `options` makes it a choice; a pair is a value and what it is called. */
export interface Question {
  name: string
  label: string
  options?: readonly (string | readonly [value: string, label: string])[]
}

/** What was asked for so far, by the names of the questions. */
export type Answers = Readonly<Record<string, string | undefined>>

/**
 * `action` is where the form leads; `kept` goes along unseen. Closed, and saying what was asked for: who comes by a link
 * wants to see what is below it.
 */
export function filterForm(action: string, questions: readonly Question[], answers: Answers, kept: Answers = {}): Html {
  const asked = questions.flatMap(({ name, label }) => (answers[name] ? `${label.toLowerCase()} ${answers[name]}` : []))
  return html`<details class="card filter" id="filter">
  <summary>Filter <span class="count">${asked.join(', ')}</span></summary>
  <form action="${action}" method="get">
    ${Object.entries(kept).map(([name, value]) => value && html`<input type="hidden" name="${name}" value="${value}">`)}
    <div class="questions">${questions.map((question) => ask(question, answers[question.name] ?? ''))}</div>
    <div class="buttons"><button class="primary">Show</button> <a class="button" href="${address(action, kept)}">Clear</a></div>
  </form>
</details>`
}

/** A question with its answer so far. */
export function ask({ name, label, options }: Question, value: string): Html {
  if (options === undefined) {
    return html`<label>${label} <input name="${name}" value="${value}" maxlength="300" autocomplete="off" autocapitalize="off" spellcheck="false"></label>`
  }
  const pairs = options.map((option) => (typeof option === 'string' ? ([option, option] as const) : option))
  // An answer stays, even where it is no longer one of the choices.
  const all = value === '' || pairs.some(([option]) => option === value) ? pairs : [...pairs, [value, value] as const]
  return html`<label>${label} <select name="${name}">${all.map(
    ([option, text]) => html`<option value="${option}"${option === value && html` selected`}>${text}</option>`
  )}</select></label>`
}
