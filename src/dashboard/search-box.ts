// Search box: draws the search box of every list; its text ends up in the address of the page.
import { html } from 'hono/html'
import { address, type Html } from './page.ts'
import type { Answers } from './parts.ts'

/** Draws the search box; `kept` are hidden fields. */
export function searchBox(action: string, asked: string, kept: Answers = {}): Html {
  return html`<form class="search" role="search" action="${action}" method="get">
  ${Object.entries(kept).map(([name, value]) => value && html`<input type="hidden" name="${name}" value="${value}">`)}
  <input type="search" name="q" id="search" value="${asked}" maxlength="500" aria-label="Search" placeholder="cluster:prod-eu name:ledg* &quot;deadline exceeded&quot;" autocomplete="off" autocapitalize="off" spellcheck="false">
  <button>Search</button>${asked !== '' && html` <a class="button" href="${address(action, kept)}">Clear</a>`}
</form>`
}
