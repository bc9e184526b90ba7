import { suite } from "../../../suites/Replies.ts"
import { postgres } from "../../../support/Delivery.ts"

suite("delivery/mail/postgres/Replies", postgres)
