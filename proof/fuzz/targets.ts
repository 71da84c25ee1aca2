// Targets: list everything that takes input from outside, a million cases in all.
import { config } from './config.ts'
import { digest } from './digest.ts'
import { event } from './event.ts'
import { expression } from './expression.ts'
import { message } from './message.ts'
import { mrkdwn } from './mrkdwn.ts'
import { globs, regexes } from './patterns.ts'
import { signature } from './signature.ts'
import type { AnyTarget } from './target.ts'
import { template } from './template.ts'
import { webhook } from './webhook.ts'

export const targets = [
  webhook,
  signature,
  event,
  globs,
  regexes,
  expression,
  template,
  message,
  digest,
  mrkdwn,
  config
] as unknown as AnyTarget[]
