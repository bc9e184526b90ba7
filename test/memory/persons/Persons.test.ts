import { Layer } from "effect"
import * as Persons from "../../../src/memory/persons/Persons.ts"
import { suite } from "../../suites/Persons.ts"
import * as Delivery from "../../support/Delivery.ts"

suite("memory/persons/Persons", Persons.layer.pipe(Layer.provideMerge(Delivery.memory)))
