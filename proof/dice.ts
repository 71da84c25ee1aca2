// Dice: make repeatable random choices: the same seed yields the same ones.
export interface Dice {
  /** An integer from 0 to below `end`. */
  below(end: number): number
  chance(share: number): boolean
  pick<T>(list: readonly T[]): T
  /** Independent dice for `name`: their throws do not affect any others. */
  for(name: string): Dice
}

export function createDice(seed: number): Dice {
  let state = (seed * 2_654_435_761) % 2 ** 32
  const next = () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32
    return state / 2 ** 32
  }
  const below = (end: number) => Math.floor(next() * end)
  return {
    below,
    chance: (share) => next() < share,
    pick: <T>(list: readonly T[]) => list[below(list.length)] as T,
    for: (name) => createDice([...name].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 2 ** 31, seed))
  }
}
