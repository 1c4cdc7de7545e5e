/** `npm run doctor`: the doctor, from the built product. */
import { buildWhenStale, readDotEnv } from './build.js'

readDotEnv()
buildWhenStale()
const entry = '../dist/proxy/doctor.js'
await import(entry)
