// Repository links: build commit and comparison pages on the usual Git hosts from the address of the repository. Pure.

export const gitHosts = ['github', 'gitlab', 'bitbucket', 'bitbucket-server', 'gitea', 'azure'] as const
export type GitHost = (typeof gitHosts)[number]

/** URL templates, as in `links:`. */
export interface GuessedLinks {
  commit: string
  compare: string
}

const [from, to] = ['{{ previous.sha }}', '{{ revision.sha }}']

const pages: Record<GitHost, { commit: string; compare: string }> = {
  github: { commit: `/commit/${to}`, compare: `/compare/${from}...${to}` },
  gitlab: { commit: `/-/commit/${to}`, compare: `/-/compare/${from}...${to}` },
  // At Bitbucket the newer revision comes first, and a carriage return stands between the two.
  bitbucket: { commit: `/commits/${to}`, compare: `/branches/compare/${to}%0D${from}#diff` },
  'bitbucket-server': { commit: `/commits/${to}`, compare: `/compare/diff?sourceBranch=${to}&targetBranch=${from}` },
  gitea: { commit: `/commit/${to}`, compare: `/compare/${from}...${to}` },
  azure: { commit: `/commit/${to}`, compare: `/branchCompare?baseVersion=GC${from}&targetVersion=GC${to}` }
}

/**
 * Guesses the links for `repository`, an address as Git and Flux take it; `host` is needed if the host's name does not show what it
 * runs.
 */
export function guessLinks(repository: string, host?: GitHost): GuessedLinks | { error: string } {
  const address = addressOf(repository)
  if (address === undefined) return { error: `"${repository}" is not the address of a Git repository` }
  const kind = host ?? hostOf(address.hostname)
  if (kind === undefined) {
    return { error: `the name ${address.hostname} does not show what it runs; add host: ${gitHosts.join(', ')}` }
  }
  const base = webPage(address, kind)
  return { commit: base + pages[kind].commit, compare: base + pages[kind].compare }
}

/** Returns `https://…`, `ssh://git@host/…` or `git@host:…` as the address of a web page. */
function addressOf(repository: string): URL | undefined {
  const scp = /^(?:[\w.-]+@)?([\w.-]+):(?!\/\/)(.+)$/.exec(repository)
  const text = scp === null ? repository : `ssh://${scp[1]}/${scp[2]}`
  if (!URL.canParse(text)) return undefined
  const { protocol, host, hostname, pathname } = new URL(text)
  if (!/^(https?|ssh):$/.test(protocol) || pathname.length < 2) return undefined
  // The port of ssh is not that of the web server.
  const web = protocol === 'ssh:' ? `https://${hostname}` : `${protocol}//${host}`
  return new URL(web + pathname.replace(/\/+$/, '').replace(/\.git$/, ''))
}

function hostOf(hostname: string): GitHost | undefined {
  const name = hostname.toLowerCase()
  if (name === 'dev.azure.com' || name === 'ssh.dev.azure.com' || name.endsWith('.visualstudio.com')) return 'azure'
  if (name === 'bitbucket.org') return 'bitbucket'
  if (name === 'codeberg.org' || /gitea|forgejo/.test(name)) return 'gitea'
  if (name.includes('gitlab')) return 'gitlab'
  if (name.includes('github')) return 'github'
  return name.includes('bitbucket') ? 'bitbucket-server' : undefined
}

/** Returns the web page of a repository: two of the hosts clone from another address than they show. */
function webPage({ origin, hostname, pathname }: URL, host: GitHost): string {
  if (host === 'azure' && /^(vs-)?ssh\./.test(hostname)) {
    // git@ssh.dev.azure.com:v3/organisation/project/repository
    const [organisation = '', project = '', repository = ''] = pathname.replace(/^\/v3\//, '').split('/')
    return `https://dev.azure.com/${organisation}/${project}/_git/${repository}`
  }
  if (host !== 'bitbucket-server' || /\/(projects|users)\/[^/]+\/repos\//.test(pathname)) return origin + pathname
  const parts = pathname.split('/').filter((part) => part !== '' && part !== 'scm')
  const [owner = '', repository = ''] = parts.slice(-2)
  const folder = parts
    .slice(0, -2)
    .map((part) => `/${part}`)
    .join('')
  const place = owner.startsWith('~') ? `users/${owner.slice(1)}` : `projects/${owner}`
  return `${origin}${folder}/${place}/repos/${repository}`
}
