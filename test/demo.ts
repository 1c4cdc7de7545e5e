import { readConfig } from '../proxy/config'
import { createConsoleLog } from '../proxy/console-log'
import { runUntilStopped } from '../proxy/run'
import { startSimulators } from './simulators/start'

/** `npm start`: the server as it is; where no provider is configured, with five simulated ones. */
await runUntilStopped(
  async () => {
    const config = readConfig(process.env)
    const isConfigured = [...config.offers.values()].some((offer) => offer.registration)
    if (isConfigured || process.env.NODE_ENV === 'production') return config

    const { env } = await startSimulators({ appOrigin: config.publicOrigin })
    process.stdout.write(
      'No provider is configured: five SIMULATED providers are started and used.\n' +
        'Nothing here is a real account. See .env.example to configure real ones.\n' +
        `Open ${config.publicOrigin}\n`,
    )
    return readConfig({ ...process.env, ...env }, { simulated: true })
  },
  new URL('./web/', import.meta.url),
  createConsoleLog(),
)
