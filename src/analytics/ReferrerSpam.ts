/**
 * Referrer spam: page views that advertise a website in the owner's list of referrers. Pure.
 *
 * Many websites have reported these domains. The largest public collection of such reports is `referrer-spam-list` of Matomo's
 * community (public domain). The list below has only the well-known domains of that collection, and none
 * from which real visitors come too, such as URL shorteners and free hosting. A subdomain of a listed domain is spam too.
 *
 * @module
 */

const domains: ReadonlySet<string> = new Set(
  `100dollars-seo.com 1-99seo.com 1-free-share-buttons.com 4webmasters.org 7makemoneyonline.com abcdefh.xyz abcdeg.xyz
  acunetix-referrer.com adcash.com amazon-seo-service.com anticrawler.org autoseo-traffic.com autoseotips.com
  best-seo-offer.com best-seo-solution.com bestwebsitesawards.com blackhatworth.com brakehawk.com break-the-chains.com
  buttons-for-website.com buttons-for-your-website.com buy-cheap-online.info chinese-amezon.com cenokos.ru cenoval.ru
  cityadspix.com copyrightclaims.org darodar.com dbutton.net domain-tracker.com econom.co event-tracking.com
  fix-website-errors.com floating-share-buttons.com forum69.info free-floating-buttons.com free-share-buttons.com
  free-social-buttons.com free-social-buttons.xyz free-traffic.xyz free-video-tool.com free-website-traffic.com
  get-free-social-traffic.com get-free-traffic-now.com get-seo-help.com ghazel.ru googlsucks.com guardlink.org
  hongfanji.com howtostopreferralspam.eu hulfingtonpost.com humanorightswatch.org iloveitaly.com iloveitaly.ro
  iloveitaly.ru ilovevitaly.co ilovevitaly.com ilovevitaly.info ilovevitaly.org ilovevitaly.ru ilovevitaly.xyz
  iskalko.ru justprofit.xyz keywords-monitoring-success.com keywords-monitoring-your-success.com kambasoft.com
  landoftracking.com lumb.co luxup.ru makemoneyonline.com masterseek.com monetizationking.net net-profits.xyz
  o-o-11-o-o.com o-o-6-o-o.com o-o-6-o-o.ru o-o-8-o-o.com o-o-8-o-o.ru online-hit.info pops.foundation
  pornhub-forum.ga priceg.com prodvigator.ua rank-checker.online rankings-analytics.com ranksonic.info ranksonic.net
  ranksonic.org resell-seo-services.com responsive-test.net savetubevideo.com savetubevideo.info screentoolkit.com
  search-error.com semalt.com semaltmedia.com seo-2-0.com seo-platform.com seo-services-b2b.com seoanalyses.com
  seocheckupx.com seocheckupx.net seoexperimenty.ru share-buttons-for-free.com share-buttons.xyz sharebutton.net
  sharebutton.to simple-share-buttons.com site-auditor.online sitevaluation.org slow-website.xyz snip.to snip.tw
  soaksoak.ru social-button.xyz social-buttons.com social-widget.xyz socialbuttons.xyz speedup-my.site success-seo.com
  superiends.org top1-seo-service.com topseoservices.co track-rankings.online traffic2cash.org traffic2cash.xyz
  traffic2money.com trafficgenius.xyz trafficmonetize.org trafficmonetizer.org uptime-as.net uptime-eu.net uptime-us.net
  uptimechecker.com video--production.com videos-for-your-business.com webmonetizer.net website-analyzer.info
  website-errors-scanner.com website-speed-checker.site websites-reviews.com wordpress-crew.net`.split(/\s+/)
)

/** Families of generated names. */
const families = [
  /^(?:compliance-|law-enforcement-|eu-cookie-law-enforcement|cookie-law-enforcement-)[a-z0-9-]+\.(?:xyz|top)$/,
  /^social-traffic-[0-9]+\.xyz$/,
  /^get(?:-more|-your)?-[a-z]*(?:click|visitors|social-buttons)[a-z]*\.info$/
]

const isListed = (domain: string): boolean => domains.has(domain) || families.some((family) => family.test(domain))

/** Whether a referrer's host, in lower case and with or without a port, is that of a referrer spammer. */
export const isSpam = (host: string): boolean => {
  const colon = host.indexOf(":")
  let domain = colon === -1 ? host : host.slice(0, colon)
  // The listed domains have a dot, so the last label alone is never listed.
  for (let dot = domain.indexOf("."); dot !== -1; dot = domain.indexOf(".")) {
    if (isListed(domain)) return true
    domain = domain.slice(dot + 1)
  }
  return false
}
