// node dist/examples/search.js http://127.0.0.1:50061 still.jpg

import { Client, Verdict } from "../src/index.js";

const [baseUrl, picture] = process.argv.slice(2);
const client = new Client({ baseUrl, token: process.env.MITATE_TOKEN });
const answer = await client.searchImage(picture);
console.log(Verdict[answer.verdict]);
for (const match of answer.matches) {
  console.log(`${match.title} ${match.episode} ${match.fromMs}..${match.toMs} ms`);
}
