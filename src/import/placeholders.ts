// Placeholders: finds what Flux or Helm has yet to fill in, such as `${CLUSTER:=prod}` or `{{ .Values.cluster }}`.

/** `text` with the defaults of its variables. One without a default becomes `otherwise`, or stays as it is. */
export function filled(text: string, otherwise?: string): string {
  return text.replace(
    /\$\{\w+(?::?[=-]([^}]*))?\}|\{\{.*?\}\}/g,
    (placeholder, usual: string | undefined) => usual || (otherwise ?? placeholder)
  )
}

export function hasPlaceholder(text: string): boolean {
  return hasVariable(text) || hasTemplate(text)
}

/** Reports whether `text` has a variable that Flux would fill in. */
export function hasVariable(text: string): boolean {
  return /\$\{[A-Za-z_]/.test(text)
}

/** Reports whether `text` has a template of Helm. Flux fills in none, although guides put `{{ .InvolvedObject.name }}` in a summary. */
export function hasTemplate(text: string): boolean {
  return /\{\{/.test(text)
}

/** Returns the paths of all texts in `value` for which `has` is true; `path` is that of `value`. */
export function pathsOfTexts(
  value: unknown,
  path: (string | number)[],
  has: (text: string) => boolean
): (string | number)[][] {
  if (typeof value === 'string') return has(value) ? [path] : []
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) =>
    pathsOfTexts(inner, [...path, Array.isArray(value) ? Number(key) : key], has)
  )
}
