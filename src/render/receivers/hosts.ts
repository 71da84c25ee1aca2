// Hosts: tells which hosts are Slack's own and which are this machine. Pure.

/** Reports whether a host is one of Slack's own. */
export function isOfSlack(hostname: string): boolean {
  return /(^|\.)slack(-gov)?\.com\.?$/.test(hostname)
}

/** Reports whether the host of a URL is this machine. */
export function isThisMachine(hostname: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(hostname)
}
