import { suite } from "../../../suites/Mails.ts"
import * as Delivery from "../../../support/Delivery.ts"

suite("delivery/mail/postgres/Mails", Delivery.postgres)
