import type { Person } from './simulator'

export interface KonproUser extends Person {
  username: string
  email: string
  registeredAt: string
  subscription: 'active' | 'trialing' | 'none'
  /** For `X-API-KEY`. Its canary is `c0ffee`, as in every secret here. */
  apiToken: string
  space: { role: string; permissions: string[] }
  plan: {
    name: string
    tier: string
    paid: boolean
    quota: number
    total: number
    expiresAt: number
  }
}

export const konproUsers: Record<string, KonproUser> = {
  ada: {
    login: 'ada@studio.example',
    password: 'lantern-ada',
    fullName: 'Ada Byron',
    username: '1fa4c0d2e77b4f0b9a3f8d11',
    email: 'ada@studio.example',
    registeredAt: '2024-03-18T09:12:44Z',
    subscription: 'active',
    apiToken: 'c0ffee_kp-ada_3fQx8ZL2.wYp7',
    space: {
      role: 'super_admin',
      permissions: [
        'permission.draft.write',
        'permission.video.render',
        'permission.billing.manage',
      ],
    },
    plan: {
      name: 'Studio yearly',
      tier: 'business',
      paid: true,
      quota: 264,
      total: 300,
      expiresAt: 1_830_297_600,
    },
  },
  grace: {
    login: 'grace@navy.example',
    password: 'lantern-grace',
    fullName: 'Grace Hopper',
    username: '7be09d41c3a84c61a2e5f930',
    email: 'grace@navy.example',
    registeredAt: '2026-01-05T17:40:02Z',
    subscription: 'none',
    apiToken: 'c0ffee_kp-grace_9dMv1KT6.aBn4',
    space: { role: 'member', permissions: ['permission.draft.write'] },
    plan: { name: 'Free', tier: 'free', paid: false, quota: 1, total: 3, expiresAt: 0 },
  },
}

/** What `account.get` tells, in the five sections that the document names. */
export function describeAccount(user: KonproUser, now: number): Record<string, unknown> {
  const { plan, space } = user
  const daysLeft =
    plan.expiresAt === 0 ? 0 : Math.max(0, Math.floor((plan.expiresAt - now / 1000) / 86_400))
  return {
    experiments: {
      asset_face_swap: { pass: false },
      consent_validation: { group: 'A', pass: true },
      streaming_preview: { group: 'B', pass: plan.paid },
    },
    features: {
      business_vt: plan.paid,
      instant_avatar_upload: true,
      brand_kit: plan.paid,
      api_access: plan.paid,
    },
    space_info: {
      space_id: `space-${user.username.slice(0, 8)}`,
      space_name: `${user.fullName}’s workspace`,
      owner_username: user.username,
      permission_list: space.permissions,
      role_list: [{ id: `role_id.${space.role}`, name: roleNames[space.role] ?? space.role }],
      user_plan_v2: {
        plan_name: plan.name,
        tier: plan.tier,
        amount: plan.paid ? 348 : 0,
        api_access: plan.paid,
        is_paid: plan.paid,
        is_unlimited: false,
        left_days: daysLeft,
        expired_ts: plan.expiresAt,
        available_quota: { regular: plan.quota },
        available_quota_v2: { regular: { amount: plan.quota, total: plan.total } },
        addon_quota: {},
      },
    },
    user: {
      username: user.username,
      email: user.email,
      first_name: user.fullName.split(' ')[0],
      last_name: user.fullName.split(' ')[1],
      registration_date: user.registeredAt,
      subscription_status: user.subscription,
    },
    user_plan: {
      tier: plan.tier,
      plan_name: plan.name,
      quotas: {
        video_minutes: { remaining: plan.quota, total: plan.total },
        avatars: { remaining: 2, total: 5 },
      },
      expiration: plan.expiresAt === 0 ? null : new Date(plan.expiresAt * 1000).toISOString(),
    },
  }
}

const roleNames: Record<string, string> = { super_admin: 'Super Admin', member: 'Member' }
