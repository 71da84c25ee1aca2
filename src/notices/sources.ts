// Notices of sources: reports one that is quiet, one that cannot prove itself, and claims that cannot be true. Pure.
import { sayAbout } from '../duration.ts'
import type { ErrorCode } from '../errors.ts'
import { clean } from '../legible.ts'
import type { View } from '../render/compose/view.ts'
import { code, cut, prose } from '../render/slack/mrkdwn.ts'
import { newsOf, troubleOf } from './notice.ts'

/** The most characters of a name that somebody else chose. */
const maxName = 100

/**
 * The notice that a source has been quiet since `since`, or that it posts again. `refused` is what requests for it were answered with in
 * the last hour, and how many there were; 0 if another replica has counted them.
 */
export function quietNotice(
  source: string,
  {
    since,
    expectMs,
    isOver,
    refused
  }: { since: number; expectMs: number; isOver: boolean; refused?: { requests: number; codes: readonly ErrorCode[] } },
  now: number
): View {
  const lasted = sayAbout(now - since)
  const texts = isOver
    ? { says: `posts again after *${lasted}*` }
    : {
        says: `has been quiet for *${lasted}*; one event is expected every ${sayAbout(expectMs)}`,
        why: refused
          ? sayRefused(refused)
          : 'Flux is down or suspended there, or its posts do not arrive. ' +
            'In that cluster: `kubectl -n flux-system get events --field-selector involvedObject.kind=Alert`'
      }
  return troubleOf(now, {
    kind: 'source',
    name: source,
    severity: 'error',
    reason: 'SourceQuiet',
    ...texts,
    since,
    isOver
  })
}

function sayRefused({ requests, codes }: { requests: number; codes: readonly ErrorCode[] }): string {
  const which = requests === 0 ? 'Requests' : requests === 1 ? '1 request' : `${requests} requests`
  const how = codes.length === 0 ? '' : ` (${codes.join(', ')})`
  return `${which} for it ${requests === 1 ? 'was' : 'were'} refused in the last hour${how}: \`request refused\` in the log says why.`
}

/**
 * The notice that a clock of `source` is wrong, or right again. `skewMs` is how far it is behind, negative if it is ahead. `isGone` is
 * true if the process with that clock has sent nothing for a day, while what others sent was right.
 */
export function skewNotice(
  source: string,
  {
    from,
    skewMs,
    since,
    isOver,
    isGone = false
  }: { from: string; skewMs: number; since: number; isOver: boolean; isGone?: boolean },
  now: number
): View {
  const off = `*${sayAbout(Math.abs(skewMs))}* ${skewMs > 0 ? 'behind' : 'ahead of'} the relay's`
  const whose = from === '' ? '' : ` of ${prose(cut(clean(from), maxName))}`
  const texts = isOver
    ? {
        says: isGone
          ? 'has sent nothing with a wrong time for a day'
          : `has clocks that are right again, after ${sayAbout(now - since)}`
      }
    : {
        says: `has a clock${whose} that is ${off}`,
        why:
          'Until then messages show when events were received. In that cluster, and where the relay ' +
          'runs, check that every node gets its time from NTP (`timedatectl`).'
      }
  return troubleOf(now, {
    kind: 'source',
    name: source,
    severity: 'warn',
    reason: 'ClockSkew',
    ...texts,
    since,
    isOver
  })
}

/** The notice that requests for this source had no valid proof. It is not repeated for `silentMs`. */
export function floodNotice(
  source: string,
  { requests, withinMs, silentMs }: { requests: number; withinMs: number; silentMs: number },
  now: number
): View {
  return warningOf(source, now, {
    reason: 'BadSignatures',
    says: `got ${requests} requests within ${sayAbout(withinMs)} without a valid signature or token; they were refused`,
    why:
      'If Flux sent them, their events are lost: compare `token` in the Secret of its Provider with the keys of this ' +
      'source. Otherwise somebody without the key is posting.',
    silentMs
  })
}

/** The notice that events of `source` claim a cluster that the source `speaker` speaks for. */
export function claimNotice(
  source: string,
  { cluster, speaker, silentMs }: { cluster: string; speaker: string; silentMs: number },
  now: number
): View {
  const named = cut(clean(cluster).replaceAll('\n', ' '), maxName)
  return warningOf(source, now, {
    reason: 'ForeignCluster',
    says: `claims cluster ${prose(named)}, which source ${prose(speaker)} speaks for`,
    why:
      `Its events are kept apart, under the cluster name ${prose(source)}. If it is the same cluster, write ` +
      `${code(`cluster: ${named}`)} at sources.${prose(source)} in the config file; if not, find out who has its key.`,
    silentMs
  })
}

/** The notice that two objects of one name come from `source`, although they cannot be in one cluster. */
export function twinsNotice(source: string, silentMs: number, now: number): View {
  return warningOf(source, now, {
    reason: 'TwoClusters',
    says: 'speaks for two clusters that look like one: objects of the same name have different uids, and both exist',
    why:
      'They are remembered apart, and messages cannot say which is which. Give each cluster a source of its own with ' +
      '`cluster:`, or its name as `cluster` in the `eventMetadata` of its Alerts.',
    silentMs
  })
}

function warningOf(
  source: string,
  now: number,
  { reason, says, why, silentMs }: { reason: string; says: string; why: string; silentMs: number }
): View {
  const said = `${why} This is not repeated for ${sayAbout(silentMs)}.`
  return newsOf(now, { kind: 'source', name: source, severity: 'warn', reason, says, why: said })
}
