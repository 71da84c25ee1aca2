// Emoji: replace Slack's names by characters for other receivers, whose names differ (Discord has no
// :large_green_circle:).

const emojis: Record<string, string> = {
  ':red_circle:': '🔴',
  ':hourglass_flowing_sand:': '⏳',
  ':white_check_mark:': '✅',
  ':large_green_circle:': '🟢',
  ':card_index_dividers:': '🗂',
  ':information_source:': 'ℹ️',
  ':green_heart:': '💚',
  ':warning:': '⚠️',
  ':large_orange_circle:': '🟠',
  ':bell:': '🔔',
  ':no_bell:': '🔕',
  ':eyes:': '👀',
  ':wastebasket:': '🗑️',
  ':white_circle:': '⚪',
  ':small_red_triangle:': '🔺'
}

/** Returns `text` with the characters in place of the names. */
export function withEmojis(text: string): string {
  return text.replace(/:[a-z_]+:/g, (name) => emojis[name] ?? name)
}
