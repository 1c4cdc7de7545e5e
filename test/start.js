/** `npm start`: the built product; outside production with simulated providers where none is configured. */
import { buildWhenStale, readDotEnv } from './build.js'

readDotEnv()
buildWhenStale()
const entry = process.env.NODE_ENV === 'production' ? '../dist/proxy/node.js' : '../dist/demo.js'
await import(entry)
