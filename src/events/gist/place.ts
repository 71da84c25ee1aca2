// Place: says in few words which place on the net was asked, and in which file something is wrong.

/** Returns `ghcr.io/acme/app:1.2.3` for a request to a registry, else host and path. */
export function placeOf(url: string): string {
  const [, whole = '', rest = ''] = /^\w+:\/\/(?:[^/@]{1,300}@)?([^/?#]*)([\s\S]*)$/.exec(url) ?? []
  const host = whole.replace(/\.cluster\.local\.?(?=:|$)/, '')
  const scope = /[?&]scope=repository(?::|%3A)([^&]{1,200}?)(?::|%3A)pull/i.exec(rest)?.[1]
  if (scope !== undefined) return `${host}/${scope.replaceAll(/%2F/gi, '/')}`
  const path = rest.replace(/[?#][\s\S]*$/, '').replace(/[/:]+$|\.git$/, '')
  const [, image, tag] = /^\/v2\/(.{1,200})\/(?:manifests|blobs)\/(.{1,128})$/.exec(path) ?? []
  if (image !== undefined && tag !== undefined) return `${host}/${image}${tag.includes(':') ? '@' : ':'}${tag}`
  const list = /^\/v2(?:\/(.{1,200})\/tags\/list)?$/.exec(path)
  if (list !== null) return [host, list[1]].filter(Boolean).join('/')
  return path.length <= 60 ? `${host}${path}` : `${host}/…${path.slice(path.lastIndexOf('/')).slice(-50)}`
}

/** Returns shorter forms of a place: `charts.acme.dev/…/web-1.2.3.tgz`, host and last step, and `…/web-1.2.3.tgz`. */
export function briefPlaces(place: string): string[] {
  const [first, last] = [place.indexOf('/'), place.lastIndexOf('/')]
  return last - first < 4 ? [] : [`${place.slice(0, first)}/…${place.slice(last)}`, `…${place.slice(last)}`]
}

/** Shortens a long path at the beginning or end of `link` to its file and the last `kept` folders. */
export function withoutFolders(link: string, kept = 0): string {
  return link.replace(/(?<=^|: )[\w./-]{12,500}\/(?=[\w.-]{1,100}\.\w{1,10}(?::\d{1,6})?(?:$|: ))/, (path) => {
    const short = `…/${path
      .split('/')
      .slice(-1 - kept, -1)
      .map((folder) => `${folder}/`)
      .join('')}`
    return short.length < path.length ? short : path
  })
}
