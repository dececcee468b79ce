/** How many stars each live host has for a VM: what PLACE VM says at the prompt, for a pool that asks. Pure. */
import { type LastUse, type RankingBasis, rankPlaces, withLastUse } from "../decide/placing.ts";
import { absence } from "../domain/deviation.ts";
import type { Uuid } from "../domain/pool.ts";
import type { ControlSettings } from "../settings/types.ts";
import type { HostStars } from "../wlbProtocol/answer.ts";

/** Scores go to 100, stars to 5; the least score still has some. */
const scorePerStar = 20;
export const fewestStars = 0.05;
/** A hundredth of a star, which is as fine as they are told. */
const tick = 0.2;

/**
 * One entry for each live host; null where the pool has no such VM. `excluded` hosts have no stars.
 * @param use what the VM used when it last ran, where it does not run.
 */
export function starsFor(
  basis: RankingBasis,
  settings: ControlSettings,
  wanted: Uuid,
  use: LastUse | null,
  excluded: ReadonlySet<string>,
): readonly HostStars[] | null {
  const { snapshot } = basis;
  const found = snapshot.vms.find(({ uuid }) => uuid.toLowerCase() === wanted);
  if (found === undefined) return null;
  const { places, refused } = rankPlaces(basis, settings, withLastUse(found, use), use);
  // Of hosts with as many stars a pool takes any: the first of the ranking has more.
  const [first] = places;
  const scores = new Map(
    places.map(({ host, score }) => [
      host,
      host === first?.host ? score : Math.min(score, (first?.score ?? 0) - tick),
    ]),
  );
  const reasons = new Map(refused.map(({ host, reason }) => [host, reason]));
  return snapshot.hosts
    .filter(({ live }) => live)
    .map((host) => {
      const uuid = host.uuid.toLowerCase() as Uuid;
      const score = scores.get(host.uuid) ?? 0;
      if (excluded.has(uuid)) return { host: uuid, stars: 0, reason: "excluded in the pool's settings" };
      if (score > 0)
        return { host: uuid, stars: Math.max(fewestStars, Math.min(5, score / scorePerStar)), reason: "" };
      return { host: uuid, stars: 0, reason: reasons.get(host.uuid) ?? absence(host) ?? "Other" };
    });
}
