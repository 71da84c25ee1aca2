// Keeps an open page true: the server says that something changed, the page asks for itself and puts in what is marked.
// Everything can be read and done without this.

const state = document.getElementById('live')
let source
let isBusy = false
let isAskedAgain = false
/** When the server was last heard of, by this page's own clock. */
let heardAt = Date.now()
/** The server says something every half minute. */
const longestSilenceMs = 45_000
let triedAt = 0

/** Local time beside the exact one. */
function localise(root) {
  for (const time of root.querySelectorAll('time[datetime]')) {
    const at = new Date(time.dateTime)
    if (time.title && !time.dataset.local) time.title += `\n${at.toLocaleString()} here`
    time.dataset.local = 'yes'
  }
}

/** What stays where it is in the old part goes over to the new one: what is open, and where the focus is. */
function swap(old, fresh) {
  for (const open of old.querySelectorAll('details[id]')) {
    const twin = fresh.querySelector(`#${CSS.escape(open.id)}`)
    if (twin) twin.open = open.open
  }
  const active = old.contains(document.activeElement) ? document.activeElement : undefined
  const same = active && fresh.querySelector(selectorOf(active))
  old.replaceWith(fresh)
  same?.focus({ preventScroll: true })
}

function selectorOf({ id, dataset, form, href, attributes }) {
  if (id) return `#${CSS.escape(id)}`
  if (dataset.key) return `[data-key="${CSS.escape(dataset.key)}"]`
  if (form) return `form[action="${CSS.escape(form.attributes.action.value)}"] button`
  return href ? `a[href="${CSS.escape(attributes.href.value)}"]` : ':not(*)'
}

/** Somebody is reading or writing right there. */
function isInUse(part) {
  const selection = getSelection()
  const isSelected = selection && !selection.isCollapsed && part.contains(selection.anchorNode)
  return (
    isSelected || (part.contains(document.activeElement) && document.activeElement.matches('input, select, textarea'))
  )
}

async function refresh() {
  if (isBusy) {
    isAskedAgain = true
    return
  }
  isBusy = true
  try {
    const response = await fetch(location.href, { headers: { accept: 'text/html' } })
    if (!response.ok) throw new Error(response.statusText)
    const page = new DOMParser().parseFromString(await response.text(), 'text/html')
    heardAt = Date.now()
    document.title = page.title
    const icon = document.querySelector('link[rel="icon"]')
    const newIcon = page.querySelector('link[rel="icon"]')
    if (icon && newIcon && icon.getAttribute('href') !== newIcon.getAttribute('href')) icon.replaceWith(newIcon)
    for (const fresh of page.querySelectorAll('[data-live]')) {
      const old = document.getElementById(fresh.id)
      localise(fresh)
      if (old && !isInUse(old) && old.innerHTML !== fresh.innerHTML) swap(old, fresh)
    }
  } catch {
    show('offline')
  }
  isBusy = false
  if (isAskedAgain) {
    isAskedAgain = false
    refresh()
  }
}

function show(what, words = what) {
  if (state.dataset.state === what) return
  state.dataset.state = what
  state.textContent = words
}

/** A connection may look open long after the other side is gone. */
function watch() {
  if (document.hidden || Date.now() - heardAt < longestSilenceMs) return
  const since = new Date(heardAt).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' })
  show('stale', `stale since ${since}`)
  // One that has just been opened may still be answered.
  if (Date.now() - triedAt < 15_000) return
  source.close()
  listen()
}

function listen() {
  triedAt = Date.now()
  source = new EventSource('/live')
  source.onopen = () => {
    heardAt = Date.now()
    // Catches up with what happened while nobody listened.
    if (state.dataset.state) refresh()
    show('live')
  }
  source.addEventListener('change', () => {
    heardAt = Date.now()
    show('live')
    refresh()
  })
  source.onerror = () => {
    if (state.dataset.state !== 'stale') show(source.readyState === EventSource.CLOSED ? 'slow' : 'offline')
  }
}

localise(document)
if (document.querySelector('[data-live]')) {
  listen()
  // When too many listen, pages reload by themselves.
  setInterval(() => {
    if (!document.hidden && source.readyState === EventSource.CLOSED) refresh()
  }, 30_000)
  setInterval(watch, 5_000)
  // A tab in the background is a monitor, too: its title and icon say how things stand.
  setInterval(() => document.hidden && refresh(), 60_000)
  // A browser has six connections for a site, for all of its tabs.
  document.addEventListener('visibilitychange', () => {
    source.close()
    heardAt = Date.now()
    if (!document.hidden) listen()
  })
}
document.addEventListener('keydown', (event) => {
  if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return
  if (event.target.matches('input, select, textarea, [contenteditable]')) return
  const box = document.getElementById('search')
  if (!box) return
  event.preventDefault()
  box.focus()
})
