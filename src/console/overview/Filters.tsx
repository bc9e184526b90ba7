/**
 * The filters, each with a button that changes its operator and one that removes it.
 *
 * @module
 */
import type { Filter, Operator } from "../Address.ts"
import * as Format from "../Format.ts"
import { go, useAddress } from "../Location.ts"
import { Icon } from "../parts/Icon.tsx"
import * as Texts from "../Texts.ts"

const opposites: Readonly<Record<Operator, Operator>> = {
  is: "is_not",
  is_not: "is",
  contains: "contains_not",
  contains_not: "contains"
}

const namesOf = ({ dimension, values }: Filter): string =>
  values.map((value) => Format.value(dimension, value)).join(Texts.filters.or)

export const Filters = () => {
  const { filters, share } = useAddress()
  if (filters.length === 0) return null
  const replace = (index: number, ...by: ReadonlyArray<Filter>) => go({ filters: filters.toSpliced(index, 1, ...by) })
  return (
    <section class="filters" aria-label={Texts.filters.label}>
      {filters.map((filter, index) => {
        const opposite = opposites[filter.operator]
        const label = `${Texts.dimension(filter.dimension)} ${Texts.operators[filter.operator]} ${namesOf(filter)}`
        return (
          <span class="filter" key={label}>
            <span class="muted">{Texts.dimension(filter.dimension)}</span>
            <button
              type="button"
              disabled={share !== null}
              title={Texts.filters.setOperator(Texts.operators[opposite])}
              onClick={() => replace(index, { ...filter, operator: opposite })}
            >
              {Texts.operators[filter.operator]}
            </button>
            <b>
              <bdi>{namesOf(filter)}</bdi>
            </b>
            <button
              type="button"
              class="remove"
              aria-label={Texts.filters.remove(label)}
              onClick={() => replace(index)}
            >
              <Icon name="close" />
            </button>
          </span>
        )
      })}
      {filters.length > 1 && (
        <button type="button" class="button bare" onClick={() => go({ filters: [] })}>
          {Texts.filters.clear}
        </button>
      )}
    </section>
  )
}
