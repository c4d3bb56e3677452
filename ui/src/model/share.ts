// Fair share as the scheduler divides it, so that a quota can be tried before it is saved: everybody gets min(quota,
// request), the rest goes by weight in whole units, and what is left over goes to the largest fraction that was cut.

export interface Claim {
  name: string;
  quota: number | null; // null = unlimited: all there is
  limit: number | null;
  request: number;
  weight: number;
  priority?: number;
}

const tiny = 1e-9;

export function fairShares(total: number, claims: Claim[]): Map<string, number> {
  const want = new Map<string, number>();
  const share = new Map<string, number>();
  let given = 0;
  for (const claim of claims) {
    const most = claim.limit === null ? claim.request : Math.min(claim.request, claim.limit);
    const sure = Math.min(claim.quota ?? total, most);
    want.set(claim.name, most);
    share.set(claim.name, sure);
    given += sure;
  }
  let surplus = Math.max(0, total - given);
  const buckets = [...new Set(claims.map((claim) => claim.priority ?? 0))].sort((a, b) => b - a);
  const rest = new Map<string, number>();
  const hungry = (claim: Claim) => want.get(claim.name)! - share.get(claim.name)! > tiny;
  for (const bucket of buckets) {
    const members = claims.filter((claim) => (claim.priority ?? 0) === bucket);
    for (;;) {
      const open = members.filter((claim) => hungry(claim) && claim.weight > 0);
      const weights = open.reduce((sum, claim) => sum + claim.weight, 0);
      if (open.length === 0 || surplus < tiny) break;
      const round = surplus;
      let tookLess = false;
      for (const claim of open) {
        const offered = (round * claim.weight) / weights;
        const missing = want.get(claim.name)! - share.get(claim.name)!;
        const takes = missing <= offered + tiny ? missing : Math.floor(offered + tiny);
        if (missing <= offered + tiny) tookLess ||= missing < offered - tiny;
        else if (offered - takes > tiny) rest.set(claim.name, offered - takes);
        share.set(claim.name, share.get(claim.name)! + takes);
        surplus -= takes;
      }
      if (!tookLess) break;
    }
  }
  for (const bucket of buckets) {
    const members = claims.filter((claim) => (claim.priority ?? 0) === bucket && claim.weight > 0);
    const order = [...members].sort((a, b) => (rest.get(b.name) ?? 0) - (rest.get(a.name) ?? 0));
    for (const claim of order) {
      if (surplus < tiny) return share;
      if (!hungry(claim)) continue;
      const piece = Math.min(1, surplus, want.get(claim.name)! - share.get(claim.name)!);
      share.set(claim.name, share.get(claim.name)! + piece);
      surplus -= piece;
    }
  }
  return share;
}
