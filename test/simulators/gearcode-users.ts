import type { Person } from './simulator'

export interface GearcodeUser extends Person {
  userId: string
  roles: string[]
}

export const gearcodeUsers: Record<string, GearcodeUser> = {
  jan: {
    login: 'jan.kowalczyk@warsztat.example',
    password: 'zebatka-jan',
    fullName: 'Jan Kowalczyk',
    userId: '5d2f0c7a-4a86-4e0e-9d4a-7f9f4c1c2b61',
    roles: ['operator', 'planner'],
  },
  ewa: {
    login: 'ewa.lis@warsztat.example',
    password: 'zebatka-ewa',
    fullName: 'Ewa Lis',
    userId: 'a1c93b52-0d67-4a35-8a5e-13c7d6b0e2f8',
    roles: ['operator'],
  },
}
