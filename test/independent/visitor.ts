/** A person's browser without a browser: keeps cookies by origin, follows nothing by itself. */
export interface Visitor {
  visit: (url: string, init?: RequestInit) => Promise<Response>
  /** The Cookie header it would send to this address. */
  cookiesFor: (url: string) => string
}

export function createVisitor(
  send: (url: string, init: RequestInit) => Promise<Response>,
): Visitor {
  const jars = new Map<string, Map<string, string>>()
  const jarOf = (url: string) => {
    const { origin } = new URL(url)
    const jar = jars.get(origin) ?? new Map<string, string>()
    jars.set(origin, jar)
    return jar
  }
  const cookiesFor = (url: string) =>
    [...jarOf(url)].map(([name, value]) => `${name}=${value}`).join('; ')
  return {
    cookiesFor,
    async visit(url, init = {}) {
      const headers = new Headers(init.headers)
      if (!headers.has('cookie')) headers.set('cookie', cookiesFor(url))
      const answer = await send(url, { ...init, headers, redirect: 'manual' })
      for (const line of answer.headers.getSetCookie()) {
        const [pair = ''] = line.split(';')
        const at = pair.indexOf('=')
        const isGone = /max-age=0|expires=thu, 01 jan 1970/i.test(line)
        if (isGone) jarOf(url).delete(pair.slice(0, at))
        else jarOf(url).set(pair.slice(0, at), pair.slice(at + 1))
      }
      return answer
    },
  }
}

/** Signs in and consents on the pages of oidc-provider; answers where it sends the browser back to. */
export async function signInAt(
  authorize: string,
  person: string,
  { visit }: Visitor,
): Promise<string> {
  const { origin } = new URL(authorize)
  let answer = await visit(authorize)
  for (let step = 0; step < 12; step++) {
    const location = answer.headers.get('location')
    if (location !== null) {
      const next = new URL(location, origin)
      if (next.origin !== origin) return next.href
      answer = await visit(next.href)
      continue
    }
    const page = await answer.text()
    const action = /<form[^>]* action="([^"]+)"/.exec(page)?.[1]
    const prompt = /name="prompt" value="(\w+)"/.exec(page)?.[1]
    if (action === undefined || prompt === undefined) throw new Error(`an unknown page: ${page}`)
    const fields = { prompt, ...(prompt === 'login' ? { login: person, password: 'any' } : {}) }
    answer = await visit(new URL(action, origin).href, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(fields).toString(),
    })
  }
  throw new Error('the provider’s pages lead nowhere')
}
