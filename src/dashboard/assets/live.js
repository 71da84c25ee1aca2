// Keeps an open page true: the server says that something changed, then the script fetches the page and replaces its marked
// parts. Everything can be read and done without it.

const state = document.getElementById('live')
let source
let isBusy = false
let isAskedAgain = false
/** Time when the page was last known to be true, by the browser's clock. */
let freshAt = Date.now()
/** The server sends something every half minute. */
const longestSilenceMs = 45_000
let triedAt = 0
/** Aborts the fetch under way: over a connection that broke midway, the answer may never come. */
let asked = new AbortController()
/** The form that was just sent, to recognise a second click. */
let sent

/** Adds the local time to the tooltip of each exact time. */
function localise(root) {
  for (const time of root.querySelectorAll('time[datetime]')) {
    const at = new Date(time.dateTime)
    if (time.title && !time.dataset.local) time.title += `\n${at.toLocaleString()} here`
    time.dataset.local = 'yes'
  }
}

/** Replaces `old` by `fresh` and carries over what is open, scroll positions and the focus. */
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
 * Finds the element whose place on the screen must not change, so that nothing moves under the reader's eyes or finger: the
 * first visible link or button that `fresh` has too, or the whole part if it is above the screen. Nothing if the top of the
 * part is visible, so that new entries come into sight.
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

/**
 * Returns a function that finds an element's counterpart in `fresh`: same form or link, or else same text, and the same
 * position among its like.
 */
function createTwins(old, fresh) {
  return (part) => {
    const key = keyOf(part)
    const like = (all) => [...all.querySelectorAll(part.localName)].filter((other) => keyOf(other) === key)
    return like(fresh)[like(old).indexOf(part)]
  }
}

/** Identifies a button by what it does, not by its position: otherwise a click could hit the wrong one of two similar buttons. */
function keyOf({ id, dataset, form, attributes, localName, parentElement, textContent }) {
  if (id || dataset.key) return id || dataset.key
  if (form) return `${form.attributes.action?.value} ${new URLSearchParams(new FormData(form))}`
  if (localName === 'summary') return keyOf(parentElement)
  if (localName === 'details') return parentElement.textContent
  return attributes.href?.value ?? attributes.class?.value ?? textContent
}

/** True if somebody selects or types in `part`. */
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
    // A proxy between may answer 200 with a page of its own, such as a login.
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

/** Replaces the title, the icon and the marked parts by those of `page`. */
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

/** Detects a stale page: a connection may look open long after the server is gone, or stay open while pages cannot be fetched. */
function watch() {
  if (document.hidden || Date.now() - freshAt < longestSilenceMs) return
  const since = new Date(freshAt)
  const isToday = since.toDateString() === new Date().toDateString()
  const time = { hour: '2-digit', minute: '2-digit' }
  const words = isToday
    ? since.toLocaleTimeString([], time)
    : since.toLocaleString([], { dateStyle: 'medium', timeStyle: 'short' })
  if (state.dataset.state !== 'out') show('stale', `stale since ${words}`)
  // A connection that was just opened may still get its answer.
  if (Date.now() - triedAt < 30_000) return
  asked.abort()
  source.close()
  listen()
}

function listen() {
  triedAt = Date.now()
  source = new EventSource('/live')
  source.onopen = () => {
    // Catch up with changes that happened while disconnected.
    if (state.dataset.state) refresh()
    else show('live')
  }
  source.addEventListener('change', refresh)
  source.onerror = () => {
    if (state.dataset.state === 'stale' || state.dataset.state === 'out') return
    show(source.readyState === EventSource.CLOSED ? 'slow' : 'offline')
  }
}

/** Drops `done` from the address: it must not be said again on a reload or to somebody who gets the link. */
function forgetDone() {
  const address = new URL(location.href)
  if (!address.searchParams.has('done')) return
  address.searchParams.delete('done')
  history.replaceState(history.state, '', address)
}

/** Ignores a second click on the same button. */
function sendOnce(event) {
  const { target: form, submitter } = event
  if ((submitter?.formMethod || form.method) !== 'post') return
  const act = `${form.action} ${new URLSearchParams(new FormData(form))}`
  if (sent === act) return event.preventDefault()
  sent = act
  // The first one may not have been sent after all.
  setTimeout(forgetSent, 5000)
}

function forgetSent() {
  sent = undefined
}

forgetDone()
localise(document)
document.addEventListener('submit', sendOnce)
// Coming back to the page allows the same action again.
addEventListener('pageshow', forgetSent)
if (document.querySelector('[data-live]')) {
  listen()
  // The server keeps no connection beyond its limit; such pages poll.
  setInterval(() => {
    if (!document.hidden && source.readyState === EventSource.CLOSED) refresh()
  }, 30_000)
  setInterval(watch, 5_000)
  // A tab in the background is a monitor too: its title and icon show the state.
  setInterval(() => document.hidden && refresh(), 60_000)
  // A browser has six connections per site for all tabs, so hidden tabs close theirs.
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
