/** How the agent answers the messages of the cases. */
import { cites, type Reply, says } from "../Agent.ts"

const answers: Readonly<Record<string, (reply: Reply) => void>> = {
  "cite a source": ({ answer }) => answer([says("From nine to five."), cites("https://shop.example/hours", "Hours")]),
  "talk too long": ({ answer }) => answer([says("On and on")], { finish: "length" }),
  "refuse this content": ({ refuse }) => refuse(400, { code: "content_filter" }),
  "say nothing": ({ answer }) => answer([]),
  break: ({ breakOff }) => breakOff(says("Half an answer")),
  fail: ({ refuse }) => refuse(500),
  "be busy": ({ refuse }) => refuse(429, { retryAfter: 90 }),
  "be silent": () => {}
}

/** Other messages get a greeting, or wait for the test. */
export const reply = (reply: Reply): void => {
  const answer = answers[reply.message]
  if (answer !== undefined) answer(reply)
  else if (reply.message.includes("wait")) reply.wait("I wait")
  else reply.answer([says("Good day 😀 ")])
}
