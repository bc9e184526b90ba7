/**
 * A field that searches while a person types.
 *
 * @module
 */
import { Icon } from "./Icon.tsx"

interface Props {
  readonly label: string
  readonly value: string
  readonly onInput: (value: string) => void
  readonly isFocused?: boolean
}

export const Search = ({ isFocused = false, label, onInput, value }: Props) => (
  <label class="search">
    <Icon name="search" />
    <span class="heard">{label}</span>
    <input
      type="search"
      autofocus={isFocused}
      placeholder={label}
      value={value}
      onInput={({ currentTarget }) => onInput(currentTarget.value)}
    />
  </label>
)
