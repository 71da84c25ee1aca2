// Keeps an open page true: the server says that something changed, the page asks for itself and puts in what is marked.
// Everything can be read and done without this.

const state = document.getElementById('live')
let source
let isBusy = false
let isAskedAgain = false
/** When what the page shows was last known to be true, by its own clock. */
let freshAt = Date.now()
/** The server says something every half minute. */
const longestSilenceMs = 45_000
let triedAt = 0
/** Ends the question that is being answered: of a connection that broke in the middle, the answer may never come. */
let asked = new AbortController()
/** What a form of this page has just been sent for. */
let sent

/** Local time beside the exact one. */
function localise(root) {
  for (const time of root.querySelectorAll('time[datetime]')) {
    const at = new Date(time.dateTime)
    if (time.title && !time.dataset.local) time.title += `\n${at.toLocaleString()} here`
    time.dataset.local = 'yes'
  }
}

/** What stays where it is in the old part goes over to the new one: what is open, how far it is scrolled, and where the focus is. */
function swap(old, fresh) {
  const twinOf = createTwins(old, fresh)
  for (const open of old.querySelectorAll('details')) {
    const twin = twinOf(open)
    if (twin) twin.open = open.open
  }
  const active = old.contains(document.activeElement) ? document.activeElement : undefined
  const same = active && twinOf(active)
  const scrolled = [...old.querySelectorAll('*')].flatMap((part) => {
    const { scrollLeft: left, scrollTop: top } = part
    return left || top ? { twin: twinOf(part), left, top } : []
  })
  const place = placeIn(old, fresh, twinOf)
  old.replaceWith(fresh)
  if (place) scrollBy({ top: place.stays.getBoundingClientRect().bottom - place.bottom, behavior: 'instant' })
  for (const { twin, left, top } of scrolled) twin?.scrollTo({ left, top, behavior: 'instant' })
  same?.focus({ preventScroll: true })
}

/**
 * What has to stay where it is on the screen, so that nothing moves under who reads there, or is about to press: the first link or
 * button to be seen that is in `fresh`, too; or all of it, where it is above the screen. At its top, what is new may come into sight.
 */
function placeIn(old, fresh, twinOf) {
  const above = Math.max(0, document.querySelector('header')?.getBoundingClientRect().bottom ?? 0)
  const { top, bottom } = old.getBoundingClientRect()
  if (top >= above) return
  if (bottom <= above) return { stays: fresh, bottom }
  for (const part of old.querySelectorAll('a, button, summary')) {
    const { top, bottom, height } = part.getBoundingClientRect()
    const stays = height > 0 && top >= above && twinOf(part)
    if (stays) return { stays, bottom }
  }
}

/** Finds what is in `fresh` what a part of `old` is there: of the same form or link, or with the same text, and as many before it. */
function createTwins(old, fresh) {
  return (part) => {
    const key = keyOf(part)
    const like = (all) => [...all.querySelectorAll(part.localName)].filter((other) => keyOf(other) === key)
    return like(fresh)[like(old).indexOf(part)]
  }
}

/** What a button does, not how many that is: of two buttons for the same kind of thing the wrong one must not be pressed. */
function keyOf({ id, dataset, form, attributes, localName, parentElement, textContent }) {
  if (id || dataset.key) return id || dataset.key
  if (form) return `${form.attributes.action?.value} ${new URLSearchParams(new FormData(form))}`
  if (localName === 'summary') return keyOf(parentElement)
  if (localName === 'details') return parentElement.textContent
  return attributes.href?.value ?? attributes.class?.value ?? textContent
}

/** Somebody is reading or writing right there. */
function isInUse(part) {
  const selection = getSelection()
  const isSelected = selection && !selection.isCollapsed && selection.containsNode(part, true)
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
    asked = new AbortController()
    const response = await fetch(location.href, { headers: { accept: 'text/html' }, signal: asked.signal })
    if (response.status === 401 || response.status === 403) throw new Error('signed out')
    const page = new DOMParser().parseFromString(await response.text(), 'text/html')
    // What stands between may answer with a page of its own, such as a login.
    if (!response.ok || !page.querySelector('[data-live]')) throw new Error('offline')
    put(page)
    freshAt = Date.now()
    if (!document.hidden) show(source.readyState === EventSource.CLOSED ? 'slow' : 'live')
  } catch ({ message }) {
    if (message === 'signed out') show('out', 'signed out: reload')
    else if (state.dataset.state !== 'stale') show('offline')
  }
  isBusy = false
  if (isAskedAgain) {
    isAskedAgain = false
    refresh()
  }
}

/** Puts in what is marked. */
function put(page) {
  document.title = page.title
  const icon = document.querySelector('link[rel="icon"]')
  const newIcon = page.querySelector('link[rel="icon"]')
  if (icon && newIcon && icon.getAttribute('href') !== newIcon.getAttribute('href')) icon.replaceWith(newIcon)
  for (const fresh of page.querySelectorAll('[data-live]')) {
    const old = document.getElementById(fresh.id)
    localise(fresh)
    if (old && !isInUse(old) && old.innerHTML !== fresh.innerHTML) swap(old, fresh)
  }
}

function show(what, words = what) {
  if (state.dataset.state === what && state.textContent === words) return
  state.dataset.state = what
  state.textContent = words
}

/** A connection may look open long after the other side is gone, and be open where the pages cannot be had. */
function watch() {
  if (document.hidden || Date.now() - freshAt < longestSilenceMs) return
  const since = new Date(freshAt)
  const isToday = since.toDateString() === new Date().toDateString()
  const time = { hour: '2-digit', minute: '2-digit' }
  const words = isToday
    ? since.toLocaleTimeString([], time)
    : since.toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' })
  if (state.dataset.state !== 'out') show('stale', `stale since ${words}`)
  // One that has just been opened may still be answered.
  if (Date.now() - triedAt < 30_000) return
  asked.abort()
  source.close()
  listen()
}

function listen() {
  triedAt = Date.now()
  source = new EventSource('/live')
  source.onopen = () => {
    // Catches up with what happened while nobody listened.
    if (state.dataset.state) refresh()
    else show('live')
  }
  source.addEventListener('change', refresh)
  source.onerror = () => {
    if (state.dataset.state === 'stale' || state.dataset.state === 'out') return
    show(source.readyState === EventSource.CLOSED ? 'slow' : 'offline')
  }
}

/** What was done is said once: not when the page is loaded again, or its address is sent to somebody. */
function forgetDone() {
  const address = new URL(location.href)
  if (!address.searchParams.has('done')) return
  address.searchParams.delete('done')
  history.replaceState(history.state, '', address)
}

/** A second click on a button is no second act. */
function sendOnce(event) {
  const { target: form, submitter } = event
  if ((submitter?.formMethod || form.method) !== 'post') return
  const act = `${form.action} ${new URLSearchParams(new FormData(form))}`
  if (sent === act) return event.preventDefault()
  sent = act
  // It may not have been sent after all.
  setTimeout(forgetSent, 5000)
}

function forgetSent() {
  sent = undefined
}

forgetDone()
localise(document)
document.addEventListener('submit', sendOnce)
// Who comes back to a page may do it once more.
addEventListener('pageshow', forgetSent)
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
    if (document.hidden) return
    listen()
    watch()
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
