import { answerAtEdge, type Bindings, type Context } from './edge'

/** The edge entry: a module worker without Node built-ins. */
export default {
  async fetch(request: Request, env: Bindings, context: Context): Promise<Response> {
    return await answerAtEdge(request, env, context)
  },
}
