import { suite } from "../../suites/Mails.ts"
import * as Delivery from "../../support/Delivery.ts"

suite("memory/mail/Mails", Delivery.memory)
