/**
 * What is shown of a row while its list loads: its title and what is said of it, as two bars.
 *
 * @module
 */
export const SkeletonLines = () => (
  <div class="lines" aria-hidden="true">
    <span class="skeleton" />
    <span class="skeleton" />
  </div>
)
