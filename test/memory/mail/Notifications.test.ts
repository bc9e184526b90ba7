import { suite } from "../../suites/Notifications.ts"
import * as Delivery from "../../support/Delivery.ts"

suite("memory/mail/Notifications", Delivery.memory)
