import { suite } from "../../suites/Mails.ts"
import * as Delivery from "../../support/Delivery.ts"

suite("postgres/mail/Mails", Delivery.postgres)
