/** What the server that has the app's pages says to methods that no page takes. */
import { expect, test } from 'vitest'
import { readConfig } from '../../proxy/config'
import { createPages } from '../../proxy/pages'
import { createStage, origin } from '../stage'

const files = ['/', '/favicon.svg']
const pages = createPages(readConfig(createStage().env), (path) =>
  Promise.resolve(files.includes(path) ? new Response('built') : undefined),
)
const answerTo = async (method: string, path: string) => {
  const { status, headers } = await pages(new Request(origin + path, { method }))
  return [status, headers.get('allow')]
}

test.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])(
  '%s is for no page and for no file',
  async (method) => {
    for (const path of ['/', '/accounts/onet', '/favicon.svg'])
      expect(await answerTo(method, path), path).toEqual([405, 'GET, HEAD'])
  },
)

test.each(['GET', 'POST', 'DELETE'])(
  '%s of what is not there is 404, however near it comes',
  async (method) => {
    for (const path of ['/nowhere', '//bff/session', '/BFF/session', '/bff%2fsession'])
      expect(await answerTo(method, path), path).toEqual([404, null])
  },
)
