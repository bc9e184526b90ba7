/**
 * What the made-up visitors of the demo's website write, and the answers that they get. No text names a date, so that all of
 * them fit any day.
 *
 * @module
 */
import type { AnswerEnding } from "../chat/conversations/Conversation.ts"

/** The tours of the website, with their prices in euros. */
export const tours = [
  { name: "First strokes", price: 75 },
  { name: "Across the arm", price: 140 },
  { name: "Under the midnight sun", price: 390 }
] as const

export type Tour = (typeof tours)[number]

const [first, across, midnight] = tours

/** A message that a visitor sends with the contact form. */
export interface SampleMessage {
  readonly tour: Tour
  readonly text: string
}

const message = (tour: Tour, text: string): SampleMessage => ({ tour, text })

/** Messages, each of which is sent at most once. The latest submission has the first one. */
export const messages: ReadonlyArray<SampleMessage> = [
  message(first, "We are two adults and two children, eight and eleven. Do the children get kayaks of their own?"),
  message(midnight, "Is the tent included, or do we bring ours? We would be four."),
  message(across, "I have paddled on lakes only. Is Across the arm too much for a first day on the sea?"),
  message(first, "I would like to give this to my father for his 60th birthday. Do you sell vouchers?"),
  message(across, "Our company is looking for a day out for twelve people. Could you run two groups side by side?"),
  message(first, "My wife and I want to paddle together. Do you have a double kayak for adults?"),
  message(midnight, "We are vegetarians, and one of us cannot have nuts. Does that work for two days?"),
  message(across, "Where do we park, and is there a bus from Voss station in the morning?"),
  message(first, "Can my dog come along? She is small and has her own life jacket."),
  message(midnight, "How cold is the water, and what do people usually wear under the dry suit?"),
  message(across, "Please call me back after five: 555 0142. It is easier to explain our group on the phone."),
  message(first, "Do you have a dry suit for someone who is two metres tall?"),
  message(midnight, "We come by train with large backpacks. Can we leave them with you for the two days?"),
  message(across, "Is there a minimum age? Our son is twelve and a strong swimmer."),
  message(first, "We stay at the campsite across the bay. Could you pick us up by boat, or is it faster to walk?"),
  message(across, "Would you do the tour for only two people? We would pay for four."),
  message(midnight, "I am a photographer. Is there a dry box on board, and time to stop for pictures?"),
  message(first, "I booked twice by mistake, under the same name. Please cancel one of the two."),
  message(across, "What happens if the wind is too strong in the morning? We have only this one day."),
  message(first, "Are the guides fluent in German? My parents speak no English."),
  message(midnight, "Three friends and I did First strokes with Ingrid and loved it. Can she guide us again?"),
  message(across, "Could you send me an invoice with our company's name and tax number on it?"),
  message(first, "I wear glasses. Do you have straps, or should I buy one?"),
  message(across, "Do you have room for one more on a tour that is already planned? I travel alone."),
  message(midnight, "My partner snores. Is it possible to have a tent a little apart from the others?"),
  message(first, "Is it all right to start with no experience at all and a slight fear of deep water?"),
  message(across, "We left a blue water bottle in one of your kayaks. Could you have a look?"),
  message(midnight, "Do we paddle at night, or is it bright enough only to sit and watch?"),
  message(first, "We are a class of eighteen pupils with two teachers. What would half a day cost?"),
  message(across, "How many kilometres is it, and can we turn back halfway if someone is tired?"),
  message(first, "Do you rent kayaks without a guide, too? I have the certificate of the Norwegian association."),
  message(midnight, "Is there mobile coverage on the islands? I have to be reachable once a day."),
  message(across, "My knee does not bend well. Can I get in and out of the kayak without help?"),
  message(first, "Can I pay in cash when I arrive? My card does not work abroad."),
  message(across, "We would like to ask the group a surprise question on the island. Could lunch wait ten minutes?"),
  message(midnight, "Which of the two islands has the seal colony, and how close may we go?"),
  message(first, "I have a voucher from two years ago. Is it still valid?"),
  message(across, "Are there toilets on the way? A silly question, I know, but my mother wants to know."),
  message(midnight, "We would like to extend the tour by a day and paddle back on our own. Is that possible?"),
  message(first, "Thank you for the tour! Where do we find the photos that our guide took?")
]

/** Names, each of which is used at most once. */
export const names = [
  "Zoe Marchand",
  "Anders Holm",
  "Elin Sandvik",
  "Ulrike Brandt",
  "Priya Nair",
  "Victor Laurent",
  "Linnea Berg",
  "Ivar Lunde",
  "Wanda Kowalska",
  "Jonas Weber",
  "Olivia Bennett",
  "Marit Dahl",
  "Oskar Nilsson",
  "Emma Thompson",
  "Carla Moreno",
  "Beatrice Rossi",
  "Farid Rahimi",
  "Ida Bakken",
  "Noah Fischer",
  "Greta Lindqvist",
  "Astrid Haugen",
  "Chen Li",
  "Tuva Eriksen",
  "Hanna Virtanen",
  "Samuel Okoye",
  "Mia Jansen",
  "Henrik Madsen",
  "Daniel Novak",
  "Nora Schneider",
  "Lars Nygaard",
  "Julia Hoffmann",
  "Katrin Vogel",
  "Dag Solberg",
  "Pieter de Vries",
  "Fredrik Aas",
  "Ben Whitaker",
  "Kenji Mori",
  "Yusuf Demir",
  "Ragnhild Moen",
  "Rosa van Dijk"
] as const

/** A message of a visitor and the assistant's answer. */
export interface SampleTurn {
  readonly question: string
  /** Markdown; empty if the agent failed. */
  readonly answer: string
  readonly ending: AnswerEnding
  /** Whether the answer cites the page of the tours. */
  readonly citesTours: boolean
  readonly rating: "up" | "down" | null
  readonly comment: string | null
}

const turn = (question: string, answer: string, more: Partial<SampleTurn> = {}): SampleTurn => ({
  question,
  answer,
  ending: "stop",
  citesTours: false,
  rating: null,
  comment: null,
  ...more
})

/** An answer that cites the page of the tours. */
const cited = { citesTours: true }

/** Conversations, each of which is held at most once. The latest conversation is the first one. */
export const conversations: ReadonlyArray<ReadonlyArray<SampleTurn>> = [
  [
    turn(
      "Is there a tour for children?",
      "Yes. On **First strokes**, children from eight paddle in a double kayak with an adult. It takes three hours in a sheltered bay.",
      cited
    ),
    turn(
      "And what does it cost for two adults and two children?",
      "€ 75 for each person, so € 300 for the four of you.",
      {
        rating: "up"
      }
    )
  ],
  [turn("Do you still have three places on Across the arm?", "", { ending: "failed" })],
  [
    turn("Can I cancel the evening before?", "I do not know that. Please ask us with the form on the contact page.", {
      rating: "down",
      comment: "I wanted an answer, not another form."
    })
  ],
  [
    turn(
      "What is the difference between the three tours?",
      "| Tour | Hours | Price | For |\n|:--|--:|--:|:--|\n| First strokes | 3 | € 75 | a first time on the sea |\n| Across the arm | 8 | € 140 | a whole day, waterfalls |\n| Under the midnight sun | 48 | € 390 | two days with a night in tents |",
      { ...cited, rating: "up" }
    ),
    turn(
      "Which one for a fit couple without experience?",
      "**Across the arm.** A guide shows you the strokes before you start."
    ),
    turn("Thanks!", "You are welcome. See you on the water!")
  ],
  [
    turn(
      "Do I have to be able to swim?",
      "Yes, you should feel safe in water. You wear a life jacket and a dry suit all the time."
    )
  ],
  [
    turn("What happens if it rains?", "We go out in rain: the dry suit keeps you warm. Only wind stops us."),
    turn("And if there is too much wind?", "Then you move your date or get your money back.", { rating: "up" })
  ],
  [
    turn(
      "wo kann man bei euch parken",
      "Am Hafen, Brygga 4 in Voss. Das Parken ist für Gäste frei, der Weg zum Steg dauert zwei Minuten."
    )
  ],
  [
    turn("Is lunch included?", "Yes. Lunch by the shore and hot coffee are part of every tour.", cited),
    turn("I am vegan.", "That is no problem. Please write it in your message when you book.")
  ],
  [turn("How big are the groups?", "Six people at most, with one guide.", { rating: "up" })],
  [
    turn(
      "What should I bring?",
      "- warm underwear and a second pair of socks\n- sunglasses and sun cream\n- something to drink\n\nEverything else is on us."
    )
  ],
  [turn("When does the season start?", "We paddle from April to October, every day at eight in the morning.", cited)],
  [
    turn("Are dogs allowed?", "I am sorry, dogs cannot come along: a kayak is too narrow for both of you."),
    turn("Not even a small one?", "Not even a small one. Voss has a kennel that looks after dogs for a day.")
  ],
  [
    turn("Hva koster en tur for fire voksne?", "**First strokes** koster 75 € per person, altså 300 € for fire.", cited)
  ],
  [
    turn(
      "I am 72, is that too old?",
      "Not at all. Our oldest guest was 84. Choose First strokes if you want it quiet.",
      { rating: "up" }
    )
  ],
  [turn("Do you have a discount for students?", "No, the prices are the same for everybody.", cited)],
  [
    turn("Where do we meet?", "At the jetty, Brygga 4 in Voss, a quarter of an hour before eight."),
    turn("Is there a bus?", "Yes, from Voss station. It takes ten minutes.")
  ],
  [turn("Can I take my camera?", "Yes. There is a dry box in every group, large enough for a camera with one lens.")],
  [
    turn(
      "Do you sell vouchers?",
      "Yes. Write to us with the amount and the name, and you get the voucher by mail the same day."
    )
  ],
  [
    turn(
      "How cold does it get at night on the two day tour?",
      "About 8 to 12 °C. The sleeping bags are warm down to 0 °C.",
      cited
    )
  ],
  [turn("Is there a toilet on the way?", "On Across the arm there is one on our island, where we have lunch.")],
  [
    turn(
      "What is the max weight for the kayaks",
      "120 kg in a single kayak, and 200 kg for both people in a double one."
    ),
    turn("ok great", "Shall I show you the tours?", cited)
  ],
  [turn("Can we paddle without a guide?", "No, we do not rent out kayaks. All tours are guided.")],
  [turn("Do you speak French?", "Some of our guides do. Please ask for one when you book.")],
  [
    turn("Will we see seals?", "Often, in the outer islands. That is the tour **Under the midnight sun**.", {
      ...cited,
      rating: "up"
    })
  ]
]

/** Spam that a robot sends with the contact form. */
export const spam = [
  {
    name: "Rank Builders",
    email: "offers@example.com",
    daysAgo: 3,
    text: 'Your website is on page 9! We bring you to page 1: <a href="https://rank.example.com">SEO packages</a>, https://rank.example.com/prices, https://rank.example.com/reviews, https://rank.example.com/proof, https://rank.example.com/now'
  },
  {
    name: "Loans Today",
    email: "cash@example.com",
    daysAgo: 17,
    text: "[url=https://loans.example.com]Money in one hour[/url] without questions: https://loans.example.com/a https://loans.example.com/b https://loans.example.com/c https://loans.example.com/d"
  }
] as const
