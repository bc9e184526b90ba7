/**
 * The widget tokens of an assistant, each in the tag to paste.
 *
 * @module
 */
import { useState } from "preact/hooks"
import * as Tags from "../../sites/Tags.ts"
import * as Format from "../Format.ts"
import { useChange } from "../parts/Change.ts"
import * as Expiry from "../parts/Expiry.ts"
import { OnCommandLine } from "../parts/Snippet.tsx"
import type { Answer } from "../Requests.ts"
import { type Resource, useAnswer } from "../Resource.ts"
import * as Texts from "../texts/Assistants.ts"
import * as Common from "../texts/SetUp.ts"
import { ConfirmChange, FormDialog, SecretDialog } from "./Dialogs.tsx"
import { TextField, useFields } from "./Fields.tsx"
import { AddButton, Loading, Row } from "./Section.tsx"

interface Props {
  readonly siteId: string
  readonly instanceId: string
  readonly isOwner: boolean
}

interface DialogProps extends Props {
  readonly onClose: () => void
}

const Issue = ({
  instanceId,
  onClose,
  onToken,
  siteId
}: DialogProps & { readonly onToken: (token: string) => void }) => {
  const change = useChange("POST /v1/owner/sites/:site_id/instances/:instance_id/tokens")
  const fields = useFields({ label: "", expires_at: "" }, change.failure)
  const { expires_at, label } = fields.values
  return (
    <FormDialog
      title={Texts.tokens.issue}
      submit={Common.create}
      isBusy={change.isBusy}
      message={fields.message}
      onClose={onClose}
      onSubmit={() =>
        change.run(
          {
            params: { site_id: siteId, instance_id: instanceId },
            body: {
              ...(label.trim() !== "" && { label: label.trim() }),
              ...(expires_at !== "" && { expires_at: Expiry.endOf(expires_at) })
            }
          },
          ({ token }) => onToken(token)
        )
      }
    >
      <TextField label={Common.optional(Texts.tokens.label)} hint={Texts.tokens.labelHint} {...fields.text("label")} />
      <TextField label={Common.optional(Texts.tokens.expiry)} type="date" {...fields.text("expires_at")} />
    </FormDialog>
  )
}

const Revoke = ({ instanceId, onClose, siteId, tokenId }: DialogProps & { readonly tokenId: string }) => (
  <ConfirmChange
    operation="DELETE /v1/owner/sites/:site_id/instances/:instance_id/tokens/:token_id"
    input={{ params: { site_id: siteId, instance_id: instanceId, token_id: tokenId } }}
    title={Texts.tokens.confirm}
    body={Texts.tokens.confirmBody}
    yes={Common.revoke}
    onClose={onClose}
  />
)

export type Tokens = Answer<"GET /v1/owner/sites/:site_id/instances/:instance_id/tokens">

/** The tokens of an assistant that are not revoked. */
export const useTokens = (siteId: string, instanceId: string): Resource<Tokens> =>
  useAnswer(
    "GET /v1/owner/sites/:site_id/instances/:instance_id/tokens",
    { params: { site_id: siteId, instance_id: instanceId }, query: { revoked: "false", limit: 100 } },
    instanceId
  )

/** The tokens with which a page can use the assistant. */
export const validTokens = ({ tokens }: Tokens): Tokens["tokens"] =>
  tokens.filter(({ expires_at }) => expires_at === null || Date.parse(expires_at) > Date.now())

/** Says that no page can use the assistant, and what to do. */
export const NoToken = ({ isOwner, tokens }: Pick<Tokens, "tokens"> & { readonly isOwner: boolean }) => (
  <p class="muted">
    {tokens.length === 0 ? Texts.tokens.empty : Texts.tokens.expired} {isOwner && Texts.tokens.emptyStep}
  </p>
)

type Open = "issue" | { readonly token: string } | { readonly revoke: string }

export const TokenList = ({ tokens, ...props }: Props & { readonly tokens: Resource<Tokens> }) => {
  const { instanceId, isOwner } = props
  const [open, setOpen] = useState<Open>()
  const { failure, value } = tokens
  const close = () => setOpen(undefined)
  if (value === undefined) return <Loading failure={failure} />
  return (
    <div class="tokens">
      {validTokens(value).length === 0 && <NoToken tokens={value.tokens} isOwner={isOwner} />}
      <ul class="rows">
        {value.tokens.map(({ created_at, expires_at, label, token, token_id }) => (
          <Row
            key={token_id}
            title={label ?? Texts.tokens.unnamed}
            facts={[
              Texts.tokens.created(Format.day(Date.parse(created_at))),
              ...(expires_at === null ? [] : [Common.expires(Format.day(Date.parse(expires_at)))]),
              ...(token === null ? [Texts.tokens.unknownShort] : [])
            ].join(" · ")}
          >
            {isOwner && (
              <>
                {token !== null && (
                  <button type="button" class="button" onClick={() => setOpen({ token })}>
                    {Texts.tokens.show}
                  </button>
                )}
                <button type="button" class="button" onClick={() => setOpen({ revoke: token_id })}>
                  {Common.revoke}
                </button>
              </>
            )}
          </Row>
        ))}
      </ul>
      {value.next !== null && <p class="muted">{Texts.tokens.first}</p>}
      {isOwner && <AddButton label={Texts.tokens.add} onClick={() => setOpen("issue")} />}
      {isOwner && value.tokens.length === 0 && (
        <OnCommandLine command={`hydracore token issue --instance ${instanceId}`} />
      )}
      {open === "issue" && <Issue {...props} onClose={close} onToken={(token) => setOpen({ token })} />}
      {typeof open === "object" && "token" in open && (
        <SecretDialog
          isWide
          title={Texts.tokens.title}
          body={Texts.tokens.body}
          secret={Tags.chat(location.origin, instanceId, open.token)}
          onClose={close}
        />
      )}
      {typeof open === "object" && "revoke" in open && <Revoke {...props} tokenId={open.revoke} onClose={close} />}
    </div>
  )
}
