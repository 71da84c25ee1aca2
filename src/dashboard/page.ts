// Page frame: draws the head, the navigation and the result of the last action around every page.
import { html } from 'hono/html'

/** Finished HTML. html`` templates escape every text that is put into them, unless it is of this type. */
export type Html = ReturnType<typeof html>

/** Addresses of the files that pages load. Each address changes with the file's content. */
export interface Assets {
  style: string
  script: string
  icon: string
  /** The icon with a dot: red if something fails, amber if something is not as it should be. */
  redIcon: string
  amberIcon: string
}

const places = [
  ['/', 'Now'],
  ['/events', 'Events'],
  ['/deliveries', 'Deliveries'],
  ['/silences', 'Silences'],
  ['/rules', 'Rules'],
  ['/preview', 'Preview']
] as const

export interface PageOptions {
  title: string
  /** The navigation entry that the page belongs to. */
  place: (typeof places)[number][0] | undefined
  assets: Assets
  /** Colour of the overall state, shown by the tab's icon. */
  colour?: string | undefined
  /** What the last action did, in words. */
  done?: Html | string | undefined
}

/** Draws the whole document. The script replaces parts with an id and `data-live` when something has changed. */
export function page({ title, place, assets, colour, done }: PageOptions, body: Html): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${title} · flux-relay</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="${iconOf(assets, colour)}" type="image/svg+xml">
<link rel="stylesheet" href="${assets.style}">
<script type="module" src="${assets.script}"></script>
</head>
<body>
<a class="skip" href="#main">Skip to content</a>
<header>
  <div class="bar">
    <a class="brand" href="/">flux-relay</a>
    <span class="live" id="live" role="status"></span>
    <nav aria-label="Pages">${places.map(([href, name]) => navLink(href, name, href === place))}</nav>
  </div>
</header>
<main id="main" tabindex="-1">
${done && html`<div class="done" role="status">${done}</div>`}
${body}
</main>
</body>
</html>
`
}

function iconOf({ icon, redIcon, amberIcon }: Assets, colour: string | undefined): string {
  return colour === 'red' ? redIcon : colour === 'amber' ? amberIcon : icon
}

function navLink(href: string, name: string, isHere: boolean): Html {
  return html`<a href="${href}"${isHere && html` aria-current="page"`}>${name}</a>`
}

/** The page for an address that does not exist or a request that is refused. `again` is the form to correct it. */
export function refusalPage(assets: Assets, title: string, message: string, again?: Html): Html {
  const body = html`<section class="hero"><h1>${title}</h1><p>${message}</p><p><a href="/">Back to Now</a></p></section>
${again}`
  return page({ title, place: undefined, assets }, body)
}

/** `path` with the non-empty entries of `query`. */
export function address(path: string, query: Record<string, string | undefined>): string {
  const said = Object.entries(query).filter((entry): entry is [string, string] => Boolean(entry[1]))
  return said.length === 0 ? path : `${path}?${new URLSearchParams(said)}`
}
