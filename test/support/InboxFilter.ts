/**
 * Which submissions a list of the inbox has, decided in memory: what its SQL must agree with.
 *
 * @module
 */
import { type Filter, type Message, needlesOf } from "../../src/forms/Inbox.ts"
import { contains } from "../../src/platform/text/Text.ts"

/** Whether a list with this filter contains the submission. */
export const matches = (message: Message, filter: Filter): boolean => {
  const {
    before = Number.POSITIVE_INFINITY,
    conversationId,
    isDeleted = false,
    isRead,
    pageSlug,
    search,
    since = Number.NEGATIVE_INFINITY,
    status
  } = filter
  if ((message.deletedAt !== null) !== isDeleted) return false
  if (status !== undefined && message.status !== status) return false
  if (isRead !== undefined && message.isRead !== isRead) return false
  if (pageSlug !== undefined && message.pageSlug !== pageSlug) return false
  if (conversationId !== undefined && message.conversation?.conversationId !== conversationId) return false
  if (message.receivedAt < since || message.receivedAt >= before) return false
  if (search === undefined) return true
  const { json, text } = needlesOf(search)
  return (
    contains(message.email, text) ||
    contains(message.pageSlug, text) ||
    json.some((needle) => contains(message.formData, needle))
  )
}
