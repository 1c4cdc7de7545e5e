/** A form on a simulator's page, as far as a person could use it. */
export interface Form {
  action: string
  fields: { name: string; value: string; type: string; checked: boolean; disabled: boolean }[]
  buttons: { name: string; value: string; user?: string; action?: string }[]
}

/** Reads the forms of our own pages; no parser for other people's HTML. */
export function readForms(page: string): Form[] {
  return [...page.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gs)].map(([, tag = '', inside = '']) => ({
    action: attribute(tag, 'action') ?? '',
    fields: [...inside.matchAll(/<input\b([^>]*)>/g)].map(([, input = '']) => ({
      name: attribute(input, 'name') ?? '',
      value: attribute(input, 'value') ?? '',
      type: attribute(input, 'type') ?? 'text',
      checked: /\schecked\b/.test(input),
      disabled: /\sdisabled\b/.test(input),
    })),
    buttons: [...inside.matchAll(/<button\b([^>]*)>/g)].map(([, button = '']) => ({
      name: attribute(button, 'name') ?? '',
      value: attribute(button, 'value') ?? '',
      ...optional('user', attribute(button, 'data-user')),
      ...optional('action', attribute(button, 'data-action')),
    })),
  }))
}

function attribute(tag: string, name: string): string | undefined {
  return new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1]
}

function optional<Name extends string>(
  name: Name,
  value: string | undefined,
): Partial<Record<Name, string>> {
  const found: Partial<Record<Name, string>> = {}
  if (value !== undefined) found[name] = value
  return found
}
