/**
 * What forms reply to their visitors by mail.
 *
 * @module
 */
import { useState } from "preact/hooks"
import { useChange, useWhileShown } from "../parts/Change.ts"
import type { PageProps } from "../parts/Page.ts"
import type { Answer } from "../Requests.ts"
import { useAnswer } from "../Resource.ts"
import * as Texts from "../texts/Outgoing.ts"
import * as Common from "../texts/SetUp.ts"
import { ConfirmChange, FormDialog } from "./Dialogs.tsx"
import { PageField, TextField, useFields } from "./Fields.tsx"
import { AddButton, Row, Rows, Section } from "./Section.tsx"

const path = "/v1/owner/sites/:site_id/forms/auto-replies"

type AutoReply = Answer<`GET ${typeof path}`>["auto_replies"][number]

interface EditProps {
  readonly siteId: string
  /** The reply to change; null for a new one. */
  readonly reply: AutoReply | null
  readonly onClose: () => void
}

const Edit = ({ onClose, reply, siteId }: EditProps) => {
  const change = useChange(`PUT ${path}`)
  const fields = useFields(
    {
      page: reply?.page ?? "",
      subject: reply?.subject ?? "",
      text: reply?.text ?? "",
      reply_to: reply?.reply_to ?? ""
    },
    change.failure
  )
  const close = useWhileShown(onClose)
  return (
    <FormDialog
      isWide
      title={reply === null ? Texts.autoReplies.add : Texts.autoReplies.edit(reply.page)}
      submit={Common.save}
      isBusy={change.isBusy}
      message={fields.message}
      onClose={onClose}
      onSubmit={() => change.run({ params: { site_id: siteId }, body: fields.values }, close)}
    >
      {reply === null && (
        <PageField siteId={siteId} label={Texts.forms.page} hint={Texts.forms.pageHint} {...fields.text("page")} />
      )}
      <TextField label={Texts.autoReplies.subject} {...fields.text("subject")} />
      <TextField label={Texts.autoReplies.text} hint={Texts.autoReplies.textHint} rows={8} {...fields.text("text")} />
      <TextField
        label={Texts.autoReplies.replyTo}
        hint={Texts.autoReplies.replyToHint}
        type="email"
        placeholder="owner@example.com"
        {...fields.text("reply_to")}
      />
    </FormDialog>
  )
}

type Open =
  | { readonly dialog: "edit"; readonly reply: AutoReply | null }
  | { readonly dialog: "remove"; readonly reply: AutoReply }

export const AutoReplies = ({ isOwner, site: { site_id: siteId } }: PageProps) => {
  const [open, setOpen] = useState<Open>()
  const replies = useAnswer(`GET ${path}`, { params: { site_id: siteId } }, siteId)
  const canSend = replies.value?.can_send !== false
  const close = () => setOpen(undefined)
  const first = {
    label: Texts.autoReplies.add,
    onClick: () => setOpen({ dialog: "edit", reply: null }),
    command: `hydracore form reply set --site ${siteId} --page contact --subject 'We got your message' --text 'Hello {name}' --reply-to you@example.com`
  }
  return (
    <Section
      title={Texts.autoReplies.title}
      note={Texts.autoReplies.note}
      actions={isOwner && canSend && <AddButton {...first} />}
    >
      {!canSend && <p class="hint">{Texts.mails.cannotSend}</p>}
      <Rows
        resource={replies}
        items={({ auto_replies }) => auto_replies}
        empty={canSend ? Texts.autoReplies.empty : ""}
        first={isOwner && canSend && first}
        row={(reply) => (
          <Row
            key={reply.page}
            title={reply.page}
            facts={`${reply.subject} · ${Texts.autoReplies.answersTo(reply.reply_to)}`}
          >
            {isOwner && (
              <>
                {canSend && (
                  <button type="button" class="button" onClick={() => setOpen({ dialog: "edit", reply })}>
                    {Common.edit}
                  </button>
                )}
                <button type="button" class="button" onClick={() => setOpen({ dialog: "remove", reply })}>
                  {Common.remove}
                </button>
              </>
            )}
          </Row>
        )}
      />
      {open?.dialog === "edit" && <Edit siteId={siteId} reply={open.reply} onClose={close} />}
      {open?.dialog === "remove" && (
        <ConfirmChange
          operation={`DELETE ${path}`}
          input={{ params: { site_id: siteId }, query: { page: open.reply.page } }}
          title={Texts.autoReplies.confirm(open.reply.page)}
          body={Texts.autoReplies.confirmBody}
          yes={Common.remove}
          onClose={close}
        />
      )}
    </Section>
  )
}
