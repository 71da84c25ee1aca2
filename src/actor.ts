// Actor: names who acts, and through what. Pure.

/** The ways by which an operator may act. */
export const actWays = ['page', 'api', 'cli', 'slack'] as const
export type ActWay = (typeof actWays)[number]

export interface Actor {
  /** The name that people know; {@link somebody} if that is not known. */
  name: string
  via: ActWay
  /** Identifies a click, which may be delivered twice and has one effect. */
  click?: string
}

/** The name of somebody who gave none. */
export const somebody = 'an operator'

/** The name of `actor`; empty if it gave none. */
export function authorName(actor: Actor | undefined): string {
  return actor === undefined || actor.name === somebody ? '' : actor.name
}

const maxName = 100

/** Makes a name of what came from outside: one line, as long as a name may be. */
export function actorName(given: string): string {
  const name = given.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim()
  return name === '' ? somebody : [...name].slice(0, maxName).join('').toWellFormed()
}
