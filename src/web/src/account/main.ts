// A customer's pages begin here.

import { mount } from "svelte";
import "../app.css";
import Account from "./Account.svelte";

const target = document.getElementById("account");
if (target) mount(Account, { target });
