// Keeps an open page true: the server says that something changed, the page asks for itself and puts in what is marked.
// Everything can be read and done without this.

const state = document.getElementById('live')
let source
let isBusy = false
let isAskedAgain = false

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

function selectorOf({ id, dataset, href, attributes }) {
  if (id) return `#${CSS.escape(id)}`
  if (dataset.key) return `[data-key="${CSS.escape(dataset.key)}"]`
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
    document.title = page.title
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

function show(what) {
  if (state.dataset.state === what) return
  state.dataset.state = what
  state.textContent = what
}

function listen() {
  source = new EventSource('/live')
  source.onopen = () => {
    // Catches up with what happened while nobody listened.
    if (state.dataset.state) refresh()
    show('live')
  }
  source.addEventListener('change', refresh)
  source.onerror = () => show(source.readyState === EventSource.CLOSED ? 'slow' : 'offline')
}

localise(document)
if (document.querySelector('[data-live]')) {
  listen()
  // When too many listen, pages reload by themselves.
  setInterval(() => {
    if (!document.hidden && source.readyState === EventSource.CLOSED) refresh()
  }, 30_000)
  // A browser has six connections for a site, for all of its tabs.
  document.addEventListener('visibilitychange', () => {
    source.close()
    if (!document.hidden) listen()
  })
}
