import { suite } from "../../suites/Notifications.ts"
import * as Delivery from "../../support/Delivery.ts"

suite("postgres/mail/Notifications", Delivery.postgres)
