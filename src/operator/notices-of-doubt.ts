// What the operator is told of what a source says and nobody can believe: times, clusters, names.
import { sayDuration } from '../duration.ts'
import type { View } from '../render/compose/view.ts'
import { maxSummary } from '../render/slack/limits.ts'
import { clean, cut } from '../render/slack/mrkdwn.ts'

/** That a clock of `source` is wrong, or right again. `skewMs`: how far it is behind, negative where it is ahead. */
export function skewNotice(
  source: string,
  { from, skewMs, since, isOver }: { from: string; skewMs: number; since: number; isOver: boolean },
  now: number
): View {
  const off = `${sayDuration(Math.abs(skewMs))} ${skewMs > 0 ? 'behind' : 'ahead of'} the relay's`
  const whose = from === '' ? 'The clock' : `The clock of ${cut(clean(from), 100)}`
  const gist = isOver ? `Its clocks are right again after ${sayDuration(now - since)}.` : `${whose} is ${off}.`
  const why =
    'Times in messages are when events were received, as long as it lasts. In that cluster, and where the relay runs: ' +
    'does every node have its time from NTP (`timedatectl`)?'
  return {
    ...frame(source, 'ClockSkew', gist, isOver ? gist : `${gist}\n${why}`, now),
    says: isOver ? 'recovered' : 'failed',
    severity: 'warn',
    ...(isOver && { reason: '' }),
    failure: { reason: 'ClockSkew', text: gist, since, count: 1 }
  }
}

/** That events of `source` say to be of a cluster that the source `owner` speaks for. */
export function claimNotice(
  source: string,
  { cluster, owner, silentMs }: { cluster: string; owner: string; silentMs: number },
  now: number
): View {
  const named = cut(clean(cluster).replaceAll('\n', ' '), 100)
  const gist = `Source ${source} claims cluster ${named}, which source ${owner} owns.`
  const why =
    `What it posts is kept apart, as of a cluster called ${source}. If it is the same cluster, write ` +
    `\`cluster: ${named}\` at sources.${source} in the config file; if not, look who has its key. ` +
    `This is not told again for ${sayDuration(silentMs)}.`
  return { ...frame(source, 'ForeignCluster', gist, `${gist}\n${why}`, now), says: 'informed', severity: 'warn' }
}

/** That two objects of one name come from `source`, which cannot be in one cluster. */
export function twinsNotice(source: string, silentMs: number, now: number): View {
  const gist = `Two clusters look like one in source ${source}: objects of one name have different uids, and both exist.`
  const why =
    'They are remembered apart, and messages cannot say which is which. Give each cluster a source of its own with ' +
    '`cluster:`, or its name as `cluster` in the `eventMetadata` of its Alerts. ' +
    `This is not told again for ${sayDuration(silentMs)}.`
  return { ...frame(source, 'TwoClusters', gist, `${gist}\n${why}`, now), says: 'informed', severity: 'warn' }
}

function frame(source: string, reason: string, gist: string, message: string, at: number) {
  return {
    object: { cluster: '', kind: 'source', namespace: '', name: clean(source) },
    controller: 'flux-relay',
    at,
    reason,
    summary: cut(gist, maxSummary),
    message,
    cause: reason
  }
}
