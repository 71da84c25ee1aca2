// Actor: names who acts, and through what. Pure.

/** Through what an operator may act. */
export const actWays = ['page', 'api', 'cli', 'slack'] as const
export type ActWay = (typeof actWays)[number]

export interface Actor {
  /** As people know it; {@link somebody} where it is not known. */
  name: string
  via: ActWay
  /** What the click is known by where it may be delivered twice: it has one effect. */
  click?: string
}

/** Who gave no name. */
export const somebody = 'an operator'

/** The name of `actor`; empty where it gave none. */
export function authorName(actor: Actor | undefined): string {
  return actor === undefined || actor.name === somebody ? '' : actor.name
}

const maxName = 100

/** A name from outside: one line, as long as a name may be. */
export function actorName(given: string): string {
  const name = given.replaceAll(/[\s\p{Cc}]+/gu, ' ').trim()
  return name === '' ? somebody : [...name].slice(0, maxName).join('').toWellFormed()
}
